"""Sizes and quotas of runbooks, each with its source (oos.md 9 unless said otherwise)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

#: bytes of a template's text
TEMPLATE_BYTES: Final = 64 * 1024
#: levels of nesting of a template; the deepest public template has 36 (ASSUMPTION)
DOCUMENT_DEPTH: Final = 64
#: values of a template after its aliases are followed; the largest public template has 960 (ASSUMPTION)
DOCUMENT_NODES: Final = 50_000

NAME_LENGTH: Final = 200
TAGS: Final = 20
#: loop items
LOOP_ITEMS: Final = 1_000
#: task starts of one execution, so that jumps backward end (oos.md 4.2, ASSUMPTION)
TASK_STARTS: Final = 1_000
#: levels of templates that run each other (oos.md 5.11, ASSUMPTION)
NESTING: Final = 10
#: children of one execution, and theirs, down to the last (ASSUMPTION)
DESCENDANTS: Final = 10_000
#: MaxResults of the list operations
LIST_DEFAULT: Final = 50
LIST_MAX: Final = 100
#: ids of DeleteExecutions
DELETE_EXECUTIONS: Final = 100
#: messages of TriggerExecution that an execution has not taken yet, and characters of one (ASSUMPTION)
PENDING_TRIGGERS: Final = 100
TRIGGER_CHARACTERS: Final = 64 * 1024
#: executions of one account and region that run at a time; children and those that wait do not count (ASSUMPTION)
CONCURRENT_EXECUTIONS: Final = 100
#: how long an execution can be seen after its end (ASSUMPTION)
RETENTION: Final = timedelta(days=90)
#: templates of one account and region (ASSUMPTION)
TEMPLATES: Final = 200
#: characters of one output or property in an answer; longer ones are cut in answers only (ASSUMPTION)
OUTPUT_CHARACTERS: Final = 64 * 1024
#: characters of one line of a log, and of a status message (ASSUMPTION)
MESSAGE_CHARACTERS: Final = 4 * 1024
#: problems of a template that one error message lists (ASSUMPTION)
PROBLEMS_TOLD: Final = 100

#: pages that ACS::ExecuteAPI follows at most (ASSUMPTION)
PAGES: Final = 200
#: pauses before a throttled or unreachable API is called again (oos.md 5.1, ASSUMPTION)
CALL_RETRY_PAUSES: Final = (timedelta(seconds=1), timedelta(seconds=2), timedelta(seconds=4))

#: characters of a value when written as JSON: a task's properties, an output, what a function is given (ASSUMPTION)
VALUE_CHARACTERS: Final = 1024 * 1024
#: characters of the outputs that the tasks of one turn of an ACS::Loop need of tasks before it (ASSUMPTION)
PART_CHARACTERS: Final = 64 * 1024
#: characters of what a jq program is given: an answer, all its pages (ASSUMPTION)
ANSWER_CHARACTERS: Final = 16 * 1024 * 1024

#: characters of a parameter's value, of its description, of a secret parameter's name (oos.md 8.3)
PARAMETER_VALUE: Final = 4096
PARAMETER_DESCRIPTION: Final = 200
SECRET_PARAMETER_NAME: Final = 180
#: parameters of one account and region, and of each kind; versions kept of each (ASSUMPTION)
PARAMETERS: Final = 1_000
PARAMETER_VERSIONS: Final = 100
#: names of GetParameters (ASSUMPTION)
PARAMETER_NAMES: Final = 10
#: resources of one TagResources call, characters of a tag's key and of its value (ASSUMPTION: as ECS)
TAGGED: Final = 50
TAG_TEXT: Final = 128
