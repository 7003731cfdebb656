"""Writes ``docs/reference/operations.md`` (every operation that is served, and by name those that are not) and coverage.md.

Run as ``python -m tidegate.docs``. What is served is read from the registered operations; what there is on the cloud is
read from the official SDKs where they are installed, as they are for development.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from tidegate import coverage, services
from tidegate.services.operation import Operation, Product
from tidegate.wire.shapes import Field, Json, Many, Record, Shape, Text, record_of

PAGE = Path("docs/reference/operations.md")

#: The package that has all operations of a product, by (RAM code, API version).
_SDKS: Mapping[tuple[str, str], str] = {
    ("adb", "2019-03-15"): "alibabacloud_adb20190315",
    ("alb", "2020-06-16"): "alibabacloud_alb20200616",
    ("cms", "2019-01-01"): "alibabacloud_cms20190101",
    ("dds", "2015-12-01"): "alibabacloud_dds20151201",
    ("eci", "2018-08-08"): "alibabacloud_eci20180808",
    ("ecs", "2014-05-26"): "alibabacloud_ecs20140526",
    ("ess", "2014-08-28"): "aliyunsdkess.request.v20140828",
    ("ess", "2022-02-22"): "alibabacloud_ess20220222",
    ("eventbridge", "2020-04-01"): "alibabacloud_eventbridge20200401",
    ("kvstore", "2015-01-01"): "alibabacloud_r_kvstore20150101",
    ("mns", "2022-01-19"): "alibabacloud_mns_open20220119",
    ("oos", "2019-06-01"): "alibabacloud_oos20190601",
    ("polardb", "2017-08-01"): "alibabacloud_polardb20170801",
    ("ram", "2015-05-01"): "alibabacloud_ram20150501",
    ("rds", "2014-08-15"): "alibabacloud_rds20140815",
    ("slb", "2014-05-15"): "alibabacloud_slb20140515",
    ("sts", "2015-04-01"): "alibabacloud_sts20150401",
    ("vpc", "2016-04-28"): "alibabacloud_vpc20160428",
}
_ACTION = re.compile(r"""\baction\s*=\s*['"]([A-Z]\w+)['"]""")
_HEAD = """# Operations

Written by `make docs` from the operations that are registered; do not edit. Every operation takes GET and POST, both
signature dialects and both answer formats, and is authorized with the RAM action shown. **Bold** parameters are
mandatory, `.N` is a numbered list, `{}` is JSON text. Operations that are not served answer `InvalidApi.NotFound`.
"""


def all_products() -> list[Product]:
    """Return every product that has an ``api``, by name."""
    found: set[Product] = set()
    for package in pkgutil.iter_modules(services.__path__, f"{services.__name__}."):
        if package.ispkg and importlib.util.find_spec(f"{package.name}.api"):
            api = importlib.import_module(f"{package.name}.api")
            found.update(value for value in vars(api).values() if isinstance(value, Product))
    return sorted(found, key=lambda product: product.name.lower())


def render(products: Iterable[Product]) -> str:
    """Return the page."""
    return "\n".join([_HEAD, *(line for product in products for line in _product_lines(product))])


def _product_lines(product: Product) -> Iterator[str]:
    yield f"## {product.name}\n"
    yield f"API versions {', '.join(product.versions)} · RAM code `{product.code}` · {len(product.operations)} served\n"
    yield "| operation | what it does | RAM action | parameters |"
    yield "| --- | --- | --- | --- |"
    for name in sorted(product.operations):
        yield _row(product.operations[name])
    yield ""
    for version in product.versions:
        yield from _missing_lines(product, version)


def _row(operation: Operation) -> str:
    versions = "" if operation.versions == operation.product.versions else f" ({', '.join(operation.versions)})"
    doc = (inspect.getdoc(operation.handler) or "").partition("\n")[0].replace("|", "\\|")
    actions = ", ".join(f"`{action}`" for action in operation.actions) or "none needed"
    parameters = " ".join(_parameter(field) for field in record_of(operation.request).fields)
    return f"| {operation.name}{versions} | {doc} | {actions} | {parameters} |"


def _parameter(field: Field) -> str:
    spelled = f"`{field.wire}{_suffix(field.shape)}`"
    return f"**{spelled}**" if field.required else spelled


def _suffix(shape: Shape) -> str:
    match shape:
        case Text():
            return ""
        case Json():
            return "{}"
        case Many(item):
            return f".N{_suffix(item)}"
        case Record(_, fields):
            return f".[{' '.join(f'{field.wire}{_suffix(field.shape)}' for field in fields)}]"


def _missing_lines(product: Product, version: str) -> Iterator[str]:
    known = operations_of_sdk(_SDKS.get((product.code, version), ""))
    served = {name for name, operation in product.operations.items() if version in operation.versions}
    missing = sorted(known - served)
    if missing:
        yield f"<details><summary>{version}: {len(missing)} of {len(known)} are not served</summary>\n"
        yield " ".join(missing)
        yield "\n</details>\n"


def known_operations(products: Iterable[Product]) -> coverage.Known:
    """Return what the official SDKs know: the names of all operations of each version, and where their models are."""
    known: dict[str, dict[str, tuple[set[str], str]]] = {}
    for product in products:
        for version in product.versions:
            package = _SDKS.get((product.code, version), "")
            names = operations_of_sdk(package)
            if names:
                known.setdefault(product.code, {})[version] = names, next(iter(_folders(package)), "")
    return known


def _folders(package: str) -> list[str]:
    spec = importlib.util.find_spec(package)
    return list(spec.submodule_search_locations or ()) if spec else []


def operations_of_sdk(package: str) -> set[str]:
    """Return the names of the operations an SDK package calls; none when it is not installed."""
    if not package or importlib.util.find_spec(package.partition(".")[0]) is None:
        return set()
    names: set[str] = set()
    for folder in map(Path, _folders(package)):
        names.update(path.stem.removesuffix("Request") for path in folder.glob("*Request.py"))
        client = folder / "client.py"
        if client.exists():
            names.update(_ACTION.findall(client.read_text(encoding="utf-8")))
    return names


def main(arguments: Sequence[str]) -> None:
    """Write the pages; the first into the file named in ``arguments``, the other beside it."""
    page = Path(arguments[0]) if arguments else PAGE
    page.parent.mkdir(parents=True, exist_ok=True)
    products = all_products()
    page.write_text(render(products), encoding="utf-8")
    (page.parent / "coverage.md").write_text(coverage.render(products, known_operations(products)), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
