"""What tests need of Dagster's private modules, in one place.

A release of Dagster may move any of it; then this file changes, and no test does. Tests import the
names from here, which `test_dagster_internals.py` holds.
"""

from dagster._core.asset_graph_view.asset_graph_view import AssetGraphView, TemporalContext
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.definitions.asset_daemon_cursor import AssetDaemonCursor
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.events import AssetObservationData, EngineEventData, StepMaterializationData
from dagster._core.execution.asset_backfill import (
    AssetBackfillData,
    execute_asset_backfill_iteration_inner,
)
from dagster._core.launcher import LaunchRunContext, RunLauncher
from dagster._core.loader import LoadingContextForTest
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.remote_origin import (
    InProcessCodeLocationOrigin,
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.storage.tags import BACKFILL_ID_TAG
from dagster._core.test_utils import create_run_for_test, instance_for_test
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget, InProcessWorkspaceLoadTarget
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import (
    QueuedRunCoordinatorDaemon,
)
from dagster._serdes import ConfigurableClass, ConfigurableClassData
from dagster._utils.interrupts import setup_interrupt_handlers

__all__ = [
    "BACKFILL_ID_TAG",
    "AssetBackfillData",
    "AssetDaemonCursor",
    "AssetGraphView",
    "AssetObservationData",
    "CachingStaleStatusResolver",
    "ConfigurableClass",
    "ConfigurableClassData",
    "EmptyWorkspaceTarget",
    "EngineEventData",
    "InProcessCodeLocationOrigin",
    "InProcessWorkspaceLoadTarget",
    "JobPythonOrigin",
    "LaunchRunContext",
    "LoadableTargetOrigin",
    "LoadingContextForTest",
    "ModuleCodePointer",
    "QueuedRunCoordinatorDaemon",
    "RegisteredCodeLocationOrigin",
    "RemoteJobOrigin",
    "RemoteRepositoryOrigin",
    "RepositoryPythonOrigin",
    "RunLauncher",
    "StaleStatus",
    "StepMaterializationData",
    "TemporalContext",
    "WorkspaceProcessContext",
    "create_run_for_test",
    "execute_asset_backfill_iteration_inner",
    "instance_for_test",
    "setup_interrupt_handlers",
]
