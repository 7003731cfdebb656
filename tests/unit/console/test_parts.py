from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tidegate.console import links, moments
from tidegate.console.calls import parameters_of
from tidegate.console.page import Form
from tidegate.console.sign_in import safe
from tidegate.errors import CloudError

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_link_is_good_once(tmp_path: Path) -> None:
    token = links.make(tmp_path, NOW)

    assert links.spend(tmp_path, token, NOW)
    assert not links.spend(tmp_path, token, NOW)


def test_a_link_is_worthless_when_it_is_old_or_replaced_or_guessed(tmp_path: Path) -> None:
    first = links.make(tmp_path, NOW)
    second = links.make(tmp_path, NOW)

    assert not links.spend(tmp_path, first, NOW)
    assert not links.spend(tmp_path, "guessed", NOW)
    assert not links.spend(tmp_path, second, NOW + links.LIFETIME)
    assert not links.spend(tmp_path / "elsewhere", second, NOW)


def test_the_folder_of_a_link_does_not_tell_its_token(tmp_path: Path) -> None:
    token = links.make(tmp_path, NOW)
    (file,) = tmp_path.iterdir()

    assert token not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "address",
    [
        "https://elsewhere/",
        "//elsewhere/console/",
        "/console",
        "/api",
        "/console/\\elsewhere",
        "/console/a\r\nx: y",
        "",
    ],
)
def test_a_form_leads_to_no_other_site(address: str) -> None:
    assert safe(address) == "/console/overview"


def test_a_form_leads_back_to_its_page() -> None:
    assert safe("/console/ess/asg-1?tab=hooks") == "/console/ess/asg-1?tab=hooks"


def test_the_fields_of_a_form_become_parameters() -> None:
    form = Form(
        [
            ("csrf", "x"),
            ("next", "/console/ess"),
            ("Name", "a"),
            ("Empty", ""),
            ("lines:InstanceIds", "i-1\ni-2, i-3"),
            ("json:Parameters:count:Number", "3"),
            ("json:Parameters:share:Number", "0.5"),
            ("json:Parameters:deep:Json", '{"a": [1]}'),
            ("json:Parameters:names:List", "one\n two \n"),
            ("json:Parameters:on:Boolean", "true"),
            ("json:Parameters:left:String", ""),
        ]
    )

    assert parameters_of(form) == {
        "Name": "a",
        "InstanceIds": ["i-1", "i-2", "i-3"],
        "Parameters": '{"count":3,"share":0.5,"deep":{"a":[1]},"names":["one","two"],"on":true}',
    }


@pytest.mark.parametrize(("type_", "value"), [("Number", "many"), ("Number", "inf"), ("Json", "{"), ("List", "[1")])
def test_a_value_that_does_not_fit_its_type_is_refused_by_name(type_: str, value: str) -> None:
    with pytest.raises(CloudError, match="count"):
        parameters_of(Form([(f"json:Parameters:count:{type_}", value)]))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0 ms"), (0.0421, "42 ms"), (1.5, "1.50 s"), (61, "1 min 1 s"), (3720, "1 h 2 min"), (200_000, "2 d 7 h")],
)
def test_a_duration_is_told_in_the_units_that_matter(seconds: float, text: str) -> None:
    assert moments.span(seconds) == text


@pytest.mark.parametrize("zone", [None, "", "No/Where", "../../etc/passwd", "x" * 100, "\x00"])
def test_a_zone_that_is_not_known_is_utc(zone: str | None) -> None:
    assert moments.zone_of(zone) is UTC


def test_times_are_written_in_the_readers_zone() -> None:
    east = moments.zone_of("Asia/Shanghai")

    assert moments.written(NOW, east, precise=True) == (NOW + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S")
