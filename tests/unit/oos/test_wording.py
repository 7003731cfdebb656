from __future__ import annotations

import pytest

from support.templates import write
from tidegate.services.oos.validation import lint
from tidegate.services.oos.wording import SENTENCES, in_chinese


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("{{ x }}: there is no parameter of this name", "{{ x }}：没有这个名称的参数"),
        ('the key "a" stands here twice, first in line 3', "键“a”重复，首次出现在第3行"),
        ("the default of size must be at least 1", "size的默认值不能小于1"),
        ("not valid JSON: a colon is expected", "不是有效的JSON：此处应为冒号"),
        ("the default of size is not a Number", "size的默认值不是Number"),
        ("something nobody has written", "something nobody has written"),
    ],
)
def test_findings_are_told_in_chinese_with_what_they_are_about(english: str, chinese: str) -> None:
    assert in_chinese(english) == chinese


def test_both_languages_of_a_sentence_have_the_same_holes() -> None:
    assert [english for english, chinese in SENTENCES if english.count("{}") != chinese.count("{}")] == []


def test_every_finding_about_a_template_full_of_slips_is_known_in_chinese() -> None:
    text = write(
        Surprise=1,
        Parameters={"p": {"Type": "Nothing"}, "q": {"Type": "Number", "MinValue": 5, "Default": 1}},
        Tasks=[
            {"Name": "a", "Action": "ACS::ExecuteAPI", "Properties": {"Service": "ecs"}, "OnError": "nowhere"},
            {"Name": "a", "Action": "ACS::Unheard", "Extra": 1},
            {"Name": "c", "Action": "ACS::Choice", "Properties": {"DefaultTask": "{{ p }}", "Choices": {}}},
            {"Name": "d", "Action": "ACS::WaitFor", "Properties": {"Service": "x", "API": "{{ no }} {{ a.b }}"}},
        ],
        Outputs={"o": {"Type": "String", "Value": {"Fn::Nonsense": 1}}},
    )

    found = [problem.message for problem in lint(text).problems.sorted()]

    assert len(found) > 10
    assert [message for message in found if in_chinese(message) == message] == []
