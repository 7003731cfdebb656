"""Static validation: every rule of oos.md 1.7, all findings at once, each with its place."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from support.expressions import NoPrograms, settle
from support.templates import call, write
from tidegate.errors import CloudError
from tidegate.services.oos.validation import Validated, validate


def check(text: str) -> Validated:
    return settle(validate(textwrap.dedent(text).lstrip("\n"), NoPrograms()))


def messages(severity: Any = "error", **sections: Any) -> list[str]:
    found = settle(validate(write(**sections), NoPrograms())).of(severity)
    return [f"{problem.check} {problem.message}" for problem in found]


def test_a_valid_template_has_no_problems_and_is_compiled() -> None:
    validated = check(write())

    assert validated.problems == ()
    assert validated.require_runnable().tasks[0].name == "only"


def test_all_problems_are_reported_with_line_and_column_in_the_order_of_the_text() -> None:
    validated = check(
        """
        FormatVersion: OOS-2019-06-01
        Surprise: 1
        Parameters:
          size: {Type: Int}
        Tasks:
          - Name: one
            Action: ACS::Nothing
            OnError: nowhere
          - Name: one
            Action: ACS::ExecuteAPI
            Properties:
              Service: ECS
              Parameters:
                Id: '{{ missing }}'
        """
    )

    assert validated.template is None
    assert [str(problem) for problem in validated.of("error")] == [
        'line 2, column 1: there is no top-level key "Surprise" [V2]',
        "line 4, column 3: the Type of size must be one of Boolean, Json, List, Number, String [V3]",
        "line 7, column 13: there is no action ACS::Nothing [V4]",
        "line 8, column 14: there is no task nowhere to jump to [V6]",
        "line 9, column 11: there is another task of the name one [V4]",
        "line 12, column 7: ACS::ExecuteAPI needs the property API [V5]",
        "line 14, column 13: {{ missing }}: there is no parameter of this name [V7]",
    ]
    with pytest.raises(CloudError) as raised:
        validated.require()
    assert raised.value.code == "InvalidTemplate"
    assert raised.value.message.count("; line ") == 6


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[]", "V1 a template is a map"),
        ("Tasks: []", "V2 FormatVersion is missing"),
        ("FormatVersion: OOS-2020-01-01\nTasks: [{Name: a, Action: ACS::Pause}]", "V2 FormatVersion must be"),
        ("FormatVersion: OOS-2019-06-01", "V2 Tasks is missing"),
        ("FormatVersion: OOS-2019-06-01\nTasks: []", "V2 Tasks must be a list with at least one task"),
        ("FormatVersion: OOS-2019-06-01\nTasks: {}", "V2 Tasks must be a list with at least one task"),
        ("FormatVersion: OOS-2019-06-01\nTasks: [x]", "V4 a task is a map"),
        ("FormatVersion: OOS-2019-06-01-State", "V2 States is missing"),
        ("FormatVersion: OOS-2019-06-01-State\nStates: {}", "V2 States must be a list with at least one state"),
        ("FormatVersion: OOS-2019-06-01-State\nStates: [1]", "V2 a state is a map with ResourceType and Properties"),
        ("FormatVersion: OOS-2019-06-01-State\nStates: [{Properties: {}}]", "V2 a state needs a ResourceType"),
        (
            "FormatVersion: OOS-2019-06-01-State\nStates: [{ResourceType: A, Properties: 1}]",
            "V2 Properties must be a map",
        ),
        ("FormatVersion: OOS-2019-06-01-State\nStates: [{ResourceType: A, Tasks: 1}]", 'V2 a state has no key "Tasks"'),
        (
            "FormatVersion: OOS-2019-06-01-State\nStates: [{ResourceType: A, Properties: {P: '{{ x }}'}}]",
            "V7 {{ x }}: there is no parameter of this name",
        ),
        (
            "FormatVersion: OOS-2019-06-01-State\nStates: [{ResourceType: A}]\nTasks: []",
            "V2 a template of states has no Tasks",
        ),
        (
            "FormatVersion: OOS-2019-06-01\nStates: []\nTasks: [{Name: a, Action: 'ACS::Pause'}]",
            "V2 only a template of the FormatVersion OOS-2019-06-01-State has States",
        ),
    ],
)
def test_the_outline_is_checked(text: str, says: str) -> None:
    assert says in [f"{problem.check} {problem.message}"[: len(says)] for problem in check(text).problems]


@pytest.mark.parametrize(
    ("definition", "says"),
    [
        ({"Type": "String", "Colour": 1}, 'a parameter has no key "Colour"'),
        ({"Type": "Number", "Default": "x"}, "the default of p is not a Number"),
        ({"Type": "String", "Default": "c", "AllowedValues": ["a", "b"]}, "must be one of: a, b"),
        ({"Type": "Number", "Default": 9, "MaxValue": 5}, "must be at most 5"),
        ({"Type": "String", "Default": "abc", "MaxLength": 2}, "must have at most 2"),
        ({"Type": "String", "AllowedValues": "a"}, "AllowedValues of p has the wrong type"),
        ({"Type": "String", "NoEcho": 1}, "NoEcho of p has the wrong type"),
        ({"Type": "String", "AllowedPattern": "^a+$", "Default": "b"}, "does not match AllowedPattern"),
        ("String", "must be a map with a Type"),
        ({"Type": "String", "Default": "{{ p }}"}, "in a circle"),
    ],
)
def test_parameters_are_checked(definition: Any, says: str) -> None:
    (message,) = messages(Parameters={"p": definition})

    assert message.startswith("V3 ")
    assert says in message


@pytest.mark.parametrize(
    "definition",
    [
        {"Type": "Number", "Default": "30"},
        {"Type": "String", "Default": 5},
        {"Type": "List", "Default": "one"},
        {"Type": "List", "Default": [], "AllowedValues": ["a"]},
        {"Type": "String", "Default": "${regionId}", "AllowedValues": ["a"]},
        {"Type": "String", "Default": "{{ ACS::RegionId }}", "AllowedPattern": "x+"},
        {"Type": "String", "Default": "", "MinLength": 3, "AllowedPattern": "x+"},
        {"Type": "String", "AllowedValues": [1, 2], "Default": "2"},
    ],
)
def test_what_public_templates_do_is_tolerated(definition: Any) -> None:
    assert messages(Parameters={"p": definition}) == []


def test_parameters_that_differ_by_case_only_are_refused() -> None:
    (message,) = messages(Parameters={"name": {"Type": "String"}, "Name": {"Type": "String"}})

    assert message == "V3 the parameters name and Name differ by case only"


@pytest.mark.parametrize(
    ("task", "says"),
    [
        ({"Action": "ACS::ExecuteAPI", "Properties": {"Service": "a", "API": "b"}}, "V4 the task has no Name"),
        ({"Name": "a b", "Action": "ACS::Sleep", "Properties": {"Duration": "1M"}}, "V4 a task's Name has"),
        ({"Name": "t"}, "V4 the task has no Action"),
        (call("t", Colour="red"), 'V5 a task has no key "Colour"'),
        (call("t", OnSuccess="{{ x }}"), "V6 there is no task {{ x }} to jump to"),
        (call("t", OnSuccess=5), "V6 a jump names a task"),
        (
            call("t", Outputs={"x": {"Type": "Text", "ValueSelector": ".a"}}),
            "V5 the output x has the unknown type Text",
        ),
        (call("t", Outputs={"x": ".a"}), "V5 the output x must be a map"),
        ({"Name": "t", "Action": "ACS::Sleep", "Properties": {}}, "V5 ACS::Sleep needs one of Duration, EndDate"),
        (
            {
                "Name": "t",
                "Action": "ACS::WaitFor",
                "Properties": {"Service": "a", "API": "b", "PropertySelector": "."},
            },
            "V5 ACS::WaitFor needs DesiredValues or NotDesiredValues",
        ),
        (
            {
                "Name": "t",
                "Action": "ACS::Choice",
                "Properties": {"Choices": [{"When": True}], "DefaultTask": "ACS::END"},
            },
            "V5 a choice is a map with When and NextTask",
        ),
        (
            {
                "Name": "t",
                "Action": "ACS::Choice",
                "Properties": {"Choices": [{"When": True, "NextTask": "gone"}], "DefaultTask": "t"},
            },
            "V6 there is no task gone to jump to",
        ),
        (
            {"Name": "t", "Action": "ACS::Sleep", "Properties": {"Duration": "1M"}, "Loop": {"Items": []}},
            "V5 ACS::Sleep cannot",
        ),
        (call("t", Loop={"Items": [], "Outputs": {"x": {"AggregateType": "Fn::Split"}}}), "V10 the loop output x"),
        (call("t", Loop={"RateControl": {}}), "V5 Loop must be a map with Items"),
    ],
)
def test_tasks_are_checked(task: dict[str, Any], says: str) -> None:
    found = messages(Tasks=[task])

    assert len(found) == 1
    assert found[0].startswith(says)


def test_a_trigger_must_be_the_first_task() -> None:
    trigger = {"Name": "t", "Action": "ACS::EventTrigger", "Properties": {}}

    assert messages(Tasks=[trigger, call("a")]) == []
    assert messages(Tasks=[call("a"), trigger])[0].startswith("V9 ")


def test_of_a_looped_task_only_the_aggregated_outputs_are_seen_outside() -> None:
    looped = call(
        "each",
        Outputs={"one": {"ValueSelector": ".x"}},
        Loop={"Items": [1], "Outputs": {"all": {"AggregateType": "Fn::ListJoin", "AggregateField": "one"}}},
    )
    uses = call(
        "use", Properties={"Service": "a", "API": "b", "Parameters": {"A": "{{ each.all }}", "B": "{{ each.one }}"}}
    )

    assert messages(Tasks=[looped, uses]) == ["V7 {{ each.one }}: the task does not declare this output"]


def test_what_is_not_built_yet_is_told_apart_from_what_is_wrong() -> None:
    tasks = [
        {"Name": "run", "Action": "ACS::ROS::CreateStack", "Properties": {}},
        {"Name": "find", "Action": "ACS::CICD::GitCodeRepo"},
    ]

    assert messages(Tasks=tasks) == []
    assert messages("unsupported", Tasks=tasks) == [
        "V4 the action ACS::ROS::CreateStack is not supported yet",
        "V4 the action ACS::CICD::GitCodeRepo is not supported yet",
    ]


def test_conditions_that_refer_to_each_other_in_a_circle_are_refused() -> None:
    conditions = {"A": {"Fn::Not": ["B"]}, "B": {"Fn::Not": ["A"]}}

    assert "in a circle" in messages(Conditions=conditions)[0]
    assert messages(Conditions={"A": {"Fn::Join": ["", []]}})[0].startswith("V8 the condition A must be")


def test_conditions_may_be_named_by_tasks_and_by_each_other() -> None:
    conditions = {"A": {"Fn::Equals": [1, 1]}, "B": {"Fn::And": ["A", True]}}

    assert messages(Conditions=conditions, Tasks=[call("t", When="B")]) == []


def test_programs_that_do_not_compile_are_reported_where_they_stand() -> None:
    class Strict(NoPrograms):
        async def check_jq(self, program: str) -> str | None:
            self.asked.append((program, None))
            return "syntax error\nsecond line" if "[" in program else None

    programs = Strict()
    task = call("t", Outputs={"a": {"ValueSelector": "Things[.x"}, "b": {"ValueSelector": ".x{{ ACS::RegionId }}["}})
    (problem,) = settle(validate(write(Tasks=[task]), programs)).problems

    assert (problem.check, problem.message) == ("V11", "not a jq program: syntax error")
    assert programs.asked == [(".Things[.x", None)]
