"""What tests need of Dagster's private modules, in one place.

A release of Dagster may move any of it; then this file changes, and no test does. Tests import the
names from here, which `test_dagster_internals.py` holds.
"""

from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.definitions.asset_daemon_cursor import AssetDaemonCursor
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.events import AssetObservationData, EngineEventData
from dagster._core.launcher import LaunchRunContext, RunLauncher
from dagster._core.loader import LoadingContextForTest
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.test_utils import create_run_for_test, instance_for_test
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import (
    QueuedRunCoordinatorDaemon,
)
from dagster._serdes import ConfigurableClass, ConfigurableClassData
from dagster._utils.interrupts import setup_interrupt_handlers

__all__ = [
    "AssetDaemonCursor",
    "AssetObservationData",
    "CachingStaleStatusResolver",
    "ConfigurableClass",
    "ConfigurableClassData",
    "EmptyWorkspaceTarget",
    "EngineEventData",
    "JobPythonOrigin",
    "LaunchRunContext",
    "LoadingContextForTest",
    "ModuleCodePointer",
    "QueuedRunCoordinatorDaemon",
    "RegisteredCodeLocationOrigin",
    "RemoteJobOrigin",
    "RemoteRepositoryOrigin",
    "RepositoryPythonOrigin",
    "RunLauncher",
    "StaleStatus",
    "WorkspaceProcessContext",
    "create_run_for_test",
    "instance_for_test",
    "setup_interrupt_handlers",
]
