"""Findings about templates in Chinese.

Findings are made in English, where they are found. Here stands the Chinese of each sentence, with ``{}`` for what changes;
a sentence that is not listed stays English, and a test names it.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

#: English and Chinese; holes are filled in their order, what fills them is translated as well when it is a sentence
SENTENCES: Final[tuple[tuple[str, str], ...]] = (
    # the text as a whole
    ("the template is larger than {} KB", "模板大于{} KB"),
    ("the template holds more than {} values", "模板中的值超过{}个"),
    ("the template is nested deeper than {} levels", "模板的嵌套超过{}层"),
    ("the template is empty", "模板为空"),
    ("the template holds more than one document", "模板包含多个文档"),
    ("a template is a map", "模板必须是映射"),
    ("not valid YAML: {}", "不是有效的YAML：{}"),
    ("not valid JSON: {}", "不是有效的JSON：{}"),
    ("tags are not allowed: {}", "不允许使用标签：{}"),
    ('the alias "{}" has no anchor before it', "别名“{}”之前没有对应的锚点"),
    ("a key must be a text", "键必须是文本"),
    ("merge keys are not allowed", "不允许使用合并键"),
    ("a character that cannot be kept", "包含无法保存的字符"),
    ("not a number that can be kept: {}", "不是可以保存的数字：{}"),
    ("something follows the end of the document", "文档结束之后还有内容"),
    ("a value is expected", "此处应为值"),
    ("the number is too long", "数字过长"),
    ("the number is too large", "数字过大"),
    ("a key in double quotes is expected", "此处应为带双引号的键"),
    ("a colon is expected", "此处应为冒号"),
    ('a comma or "{}" is expected', "此处应为逗号或“{}”"),
    ('the key "{}" stands here twice, first in line {}', "键“{}”重复，首次出现在第{}行"),
    # sections
    ('there is no top-level key "{}"', "顶层没有键“{}”"),
    ("FormatVersion is missing", "缺少FormatVersion"),
    ("FormatVersion must be {} or {}", "FormatVersion必须是{}或{}"),
    ("Description must be a text or a map of languages", "Description必须是文本或按语言划分的映射"),
    ("States is missing", "缺少States"),
    ("only a template of the FormatVersion {} has States", "只有FormatVersion为{}的模板才有States"),
    ("a template of states has no Tasks", "状态配置模板没有Tasks"),
    ("States must be a list with at least one state", "States必须是至少包含一个状态的列表"),
    ("a state is a map with ResourceType and Properties", "状态必须是包含ResourceType和Properties的映射"),
    ('a state has no key "{}"', "状态没有键“{}”"),
    ("a state needs a ResourceType", "状态缺少ResourceType"),
    ("Tasks is missing", "缺少Tasks"),
    ("Tasks must be a list with at least one task", "Tasks必须是至少包含一个任务的列表"),
    ("Outputs must be a map", "Outputs必须是映射"),
    ("Properties must be a map", "Properties必须是映射"),
    ("RamRole must be a text", "RamRole必须是文本"),
    (
        "the condition {} must be Fn::And, Fn::Or, Fn::Not or Fn::Equals",
        "条件{}必须是Fn::And、Fn::Or、Fn::Not或Fn::Equals",
    ),
    ("conditions refer to each other in a circle: {}", "条件之间循环引用：{}"),
    ("the output {} must be a map with Type and Value", "输出{}必须是包含Type和Value的映射"),
    ('an output has no key "{}"', "输出没有键“{}”"),
    # parameters
    (
        '"{}" is not a name of a parameter: letters, digits, "-" and "_"',
        "“{}”不能作为参数名：只能包含字母、数字、“-”和“_”",
    ),
    ("the parameters {} and {} differ by case only", "参数{}和{}仅大小写不同"),
    ("the parameter {} must be a map with a Type", "参数{}必须是包含Type的映射"),
    ('a parameter has no key "{}"', "参数没有键“{}”"),
    ("the Type of {} must be one of {}", "{}的Type必须是以下之一：{}"),
    ("{} of {} has the wrong type", "{}（参数{}）的类型错误"),
    ("{} means nothing for the type {}", "{}对类型{}没有意义"),
    ("AllowedPattern is not a regular expression: {}", "AllowedPattern不是正则表达式：{}"),
    ("AllowedPattern cannot be tried with the default: {}", "无法用AllowedPattern检验默认值：{}"),
    ("the default does not match AllowedPattern", "默认值与AllowedPattern不匹配"),
    ("defaults refer to each other in a circle: {}", "默认值之间循环引用：{}"),
    ("the default of {} is not a {}", "{}的默认值不是{}"),
    ("must be one of: {}", "必须是以下之一：{}"),
    ("must have at least {} characters or elements", "至少要有{}个字符或元素"),
    ("must have at most {} characters or elements", "最多只能有{}个字符或元素"),
    ("must be at least {}", "不能小于{}"),
    ("must be at most {}", "不能大于{}"),
    # tasks
    ("a task is a map", "任务必须是映射"),
    ("the task has no Name", "任务没有Name"),
    ('a task\'s Name has 1 to 200 letters, digits, "-" and "_"', "任务的Name由1至200个字母、数字、“-”和“_”组成"),
    ("there is another task of the name {}", "已有名为{}的任务"),
    ('a task has no key "{}"', "任务没有键“{}”"),
    ("a trigger must be the first task, and there may be one only", "触发器必须是第一个任务，且只能有一个"),
    ("the task has no Action", "任务没有Action"),
    ("Action must be a text", "Action必须是文本"),
    ("the action {} is not supported yet", "尚不支持动作{}"),
    ("there is no action {}", "没有动作{}"),
    ("{} needs the property {}", "{}缺少属性{}"),
    ("{} needs one of {}", "{}需要以下之一：{}"),
    ("{} needs DesiredValues or NotDesiredValues", "{}需要DesiredValues或NotDesiredValues"),
    ("{} knows no property {}", "{}没有属性{}"),
    ("the output {} must be a map with Type and ValueSelector", "输出{}必须是包含Type和ValueSelector的映射"),
    ('a task\'s output has no key "{}"', "任务的输出没有键“{}”"),
    ("the output {} has the unknown type {}", "输出{}的类型{}未知"),
    ("a jump names a task, ACS::END or ACS::NEXT", "跳转目标必须是任务名、ACS::END或ACS::NEXT"),
    ("there is no task {} to jump to", "没有可以跳转的任务{}"),
    ("Choices must be a list", "Choices必须是列表"),
    ("a choice is a map with When and NextTask", "Choices的每一项必须是包含When和NextTask的映射"),
    # loops
    ("Loop must be a map with Items", "Loop必须是包含Items的映射"),
    ('a Loop has no key "{}"', "Loop没有键“{}”"),
    ("{} cannot have a Loop", "{}不能使用Loop"),
    ("Loop is not supported yet", "尚不支持Loop"),
    ("a Loop has {} items at most", "Loop最多{}项"),
    ("the loop output {} has no known AggregateType", "循环输出{}没有已知的AggregateType"),
    ("AggregateField of {} must name an output of the task", "{}的AggregateField必须是该任务的输出"),
    ("the task has no output {}, so {} holds nulls", "任务没有输出{}，因此{}的值全为null"),
    ("ACS::Loop cannot have a Loop", "ACS::Loop不能使用Loop"),
    ("an ACS::Loop cannot stand in another", "ACS::Loop不能嵌套在另一个ACS::Loop中"),
    ("LoopTasks must be a list with at least one task", "LoopTasks必须是至少包含一个任务的列表"),
    # references, functions, programs
    ("{}: there is no parameter of this name", "{}：没有这个名称的参数"),
    ("{}: the task does not declare this output", "{}：任务没有声明这个输出"),
    ("{}: there is no such task", "{}：没有这个任务"),
    (
        "{}: a reference has one dot at most; use Fn::Select or Fn::Jq",
        "{}：引用最多包含一个点，请使用Fn::Select或Fn::Jq",
    ),
    ("{}: there is no pseudo parameter of this name", "{}：没有这个名称的伪参数"),
    ("{}: has a meaning only in a task with a Loop", "{}：只在带有Loop的任务中有意义"),
    ("{}: only tasks and outputs may refer to a secret parameter", "{}：只有任务和输出可以引用加密参数"),
    ("a function call must be the only key of its map", "函数调用必须是其映射中唯一的键"),
    ("{} is not supported: what it does is not public", "不支持{}：其行为没有公开"),
    ("there is no function {}", "没有函数{}"),
    ("{} needs a list of 3 arguments: First or All, a program, its input", "{}需要3个参数：First或All、程序、输入"),
    ("{} needs {} arguments, has {}", "{}需要{}个参数，实际有{}个"),
    ("not a jq program: {}", "不是jq程序：{}"),
    # what may begin any sentence comes last
    ("the default of {} {}", "{}的默认值{}"),
    ("{} must be a map", "{}必须是映射"),
)


def in_chinese(message: str) -> str:
    """Return a finding in Chinese, or as it is when its sentence is not known."""
    for pattern, chinese in _patterns():
        if match := pattern.fullmatch(message):
            return chinese.format(*map(in_chinese, match.groups()))
    return message


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple(
        (re.compile("(.+?)".join(map(re.escape, english.split("{}"))), re.DOTALL), chinese)
        for english, chinese in SENTENCES
    )
