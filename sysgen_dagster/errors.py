"""The errors of this package that a user can act on.

Each message names what is wrong and what to do. The tree, with (again) where the same thing may
succeed later although nobody changes anything::

    SysgenError
    ├── AddressError                  the UI cannot listen where it should
    ├── AlertError                    the webhook did not take a message
    ├── BenchSheetError               a sheet of the bench cannot be written, or is none of it
    ├── CatalogError                  the catalogue cannot be used
    ├── DagsterHomeError              Dagster's own state cannot be kept where it should be
    ├── DamagedFileError              a stored file does not hold what was written to it
    ├── DecisionError                 what a reviewer sent is no decision
    │   └── RowError                  there is no such row to decide about, or it has other texts
    ├── EngineError                   no answer can be had from a model's servers
    │   └── UnreachableError          nothing listens where a server should be
    │   │   └── BusyError             a server has no room now
    ├── ExclusionError                a list of conversations to leave out is wrong
    ├── ExportError                   rows cannot be exported, or a folder is no export
    ├── GgufError                     a file is no GGUF file that can be read
    ├── GuardError                    a name under which the UI is to be reached is none
    ├── HarnessError                  leaderboard tasks cannot be run, or their run failed
    ├── HubPushError                  an export was not pushed to the Hub
    │   └── HubUnavailableError       the Hub did not answer (again)
    ├── LedgerError                   the answers of a stored partition cannot be read
    ├── NemotronError                 rows of Nemotron-RL-SysBench-v1 are wrong
    ├── NoJudgeError                  a judge has to grade, and the catalogue names none
    ├── NoSuchEvaluationError         there is no such benchmark or subject to evaluate
    ├── NothingToCompareError         no subject, or no pair of them, is there to be compared
    ├── PagesError                    pages of ours cannot be served where they should be
    ├── PromptError                   a prompt file is missing or wrong
    ├── ReportError                   the report's charts cannot be drawn here
    ├── ReviewError                   there are no rows to be reviewed
    ├── ServerError                   a server on this machine did not start
    │   └── ServerKilledError         a signal ended it while it was loading
    ├── ServiceError                  the UI's webserver or daemon has ended, or runs already
    ├── SheetError                    a file of graded answers cannot be scored
    ├── SourceError                   an upstream file cannot be read as it is
    │   ├── ShapeError                nobody can tell what the columns of a file are for
    │   └── SourceUnavailableError    the Hub did not answer (again)
    ├── StoppedError                  the user has ended the command
    ├── StoreError                    a stored partition is missing or damaged
    │   ├── OtherCutError             shards of a source come from another cut of its file
    │   └── StoreUnavailableError     storage did not answer, or is full (again)
    ├── SysBenchError                 the sessions of SysBench are not what they should be
    ├── TableError                    rows do not have the columns of their table
    └── TrainingError                 a training cannot be made as it is asked for
        └── TrainingEndedError        it was stopped or killed; the next run goes on (again)

What is not here is a fault of ours, or data: a malformed completion is a row with a reason.
"""

from typing import ClassVar


class SysgenError(Exception):
    """Something a user can mend; the message says what and how.

    Attributes:
        may_come_back: Whether the same thing may succeed later although nobody changes anything.
    """

    may_come_back: ClassVar[bool] = False
