"""Files of devices and products: golden ones, any that can be written, and every bad row."""

import csv
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.files.a_file import (
    DEVICES,
    ESME,
    GOLDEN,
    HUB,
    PPMID,
    PRODUCTS,
    SUPPLIER,
    estates,
    products,
)

from hanota.errors import LocalError, RemoteError
from hanota.files.bad_rows import BadRow, BadRows
from hanota.files.estate import read_estate, write_estate
from hanota.files.products import read_products, write_products
from hanota.limits import BAD_ROWS_TOLD_MAX, FILE_ROW_OCTETS_MAX
from hanota.model import eui_text
from hanota.wire.codes import FileFault

FORMS = ("csv", "jsonl")


def read_devices(path, *told):
    return list(read_estate(path, *told))


KINDS = {
    "estate": (read_devices, write_estate, DEVICES),
    "products": (read_products, write_products, PRODUCTS),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


# --- Golden files, both ways ---


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_both_ways(tmp_path, name):
    read, write, rows = KINDS[name.partition(".")[0]]
    path = tmp_path / name
    path.write_bytes(GOLDEN[name].encode())
    assert read(path) == rows
    write(path, rows)
    assert path.read_bytes().decode() == GOLDEN[name]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", GOLDEN)
def test_what_is_written_is_csv_or_json_to_the_standard_library(tmp_path, name):
    kind, form = name.split(".")
    (tmp_path / name).write_bytes(GOLDEN[name].encode())
    with (tmp_path / name).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file)) if form == "csv" else [json.loads(line) for line in file]
    listed = "suppliers" if kind == "estate" else "hardware_versions"
    assert len(rows) == 2
    assert len(set(map(frozenset, rows))) == 1
    assert rows[0][listed] in ("", [], "1111;1112", ["1111", "1112"])


@pytest.mark.parametrize("form", FORMS)
@given(devices=estates())
def test_any_estate_comes_back(folder, form, devices):
    path = folder / f"any.{form}"
    write_estate(path, devices)
    assert read_devices(path) == devices


@pytest.mark.parametrize("form", FORMS)
@given(entries=products)
def test_any_products_list_comes_back(folder, form, entries):
    path = folder / f"any.{form}"
    write_products(path, entries)
    assert read_products(path) == entries


# --- What people and spreadsheets do to a file ---

HEADER, HUB_ROW, PPMID_ROW, _ = GOLDEN["estate.csv"].split("\r\n")


def estate(tmp_path, *rows, header=HEADER, name="estate.csv"):
    path = tmp_path / name
    path.write_bytes("\n".join((header, *rows)).encode())
    return path


def test_columns_may_come_in_any_order_and_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "estate.CSV"
    names = HEADER.split(",")
    written = list(csv.reader(GOLDEN["estate.csv"].splitlines()[1:]))
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(reversed(names))
        writer.writerows(reversed(cells) for cells in written)
    assert read_devices(path) == DEVICES


def test_blank_lines_lower_case_ids_and_an_empty_hub_of_a_hub_are_read(tmp_path):
    hub = HUB_ROW.replace(f"ACDCACDC,{eui_text(HUB)}", "acdcacdc,").lower()
    hub = hub.replace("chf,maker", "CHF,Maker").replace("hub, large", "Hub, large")
    hub = hub.replace("commissioned", "Commissioned").replace("north", "North")
    path = estate(tmp_path, "", hub, "", PPMID_ROW, "")
    assert read_devices(path) == DEVICES
    path = tmp_path / "estate.jsonl"
    path.write_text("\n" + GOLDEN["estate.jsonl"].replace("\n", "\n \n"))
    assert read_devices(path) == DEVICES


def test_a_device_may_stand_before_its_hub(tmp_path):
    assert read_devices(estate(tmp_path, PPMID_ROW, HUB_ROW)) == DEVICES[::-1]


def test_every_dangerous_start_is_written_safe_and_every_other_as_it_is(tmp_path):
    path = tmp_path / "estate.csv"
    for start in ("=", "+", "-", "@", "\t", "\r", "'=", "a=", "'a", "\n", ""):
        device = replace(DEVICES[0], manufacturer=start + "text")
        write_estate(path, [device])
        assert read_devices(path) == [device]
        with path.open(newline="", encoding="utf-8") as file:
            cell = list(csv.reader(file))[1][2]
        dangerous = start != "" and start[0] in "=+-@\t\r"
        assert (cell == f"'{start}text") is (dangerous or start == "'=")
        assert cell[0] not in "=+-@\t\r"


# --- Bad rows ---


def changed(**cells):
    """The PPMID's row with other cells."""
    row = dict(zip(HEADER.split(","), PPMID_ROW.split(","), strict=True)) | cells
    return ",".join(row.values())


BAD_ROWS = [
    (changed(device_id="00-DB"), "device_id", "'00-DB' is no device id"),
    (changed(device_id=eui_text(HUB)), "device_id", "an earlier row has this device"),
    (changed(type="ppmid"), "type", "'ppmid' is none of ESME, GSME, GPF, CHF, HCALCS"),
    (changed(type="CHF"), "hub_id", "a CHF is its own hub: leave it empty"),
    (changed(hardware_version="111"), "hardware_version", "'111' is no number of two octets"),
    (changed(hub_id=""), "hub_id", "it is empty, and the device is no CHF"),
    (changed(hub_id=eui_text(ESME)), "hub_id", f"the file has no CHF {eui_text(ESME)}"),
    (changed(hub_id=eui_text(PPMID)), "hub_id", f"the file has no CHF {eui_text(PPMID)}"),
    (changed(status="Commissionned"), "status", "'Commissionned' is none of Pending, White"),
    (changed(suppliers="-"), "suppliers", "'-' is no device id"),
    (changed(suppliers=";"), "suppliers", "an item of the list is empty"),
    (changed(suppliers=";".join([eui_text(SUPPLIER)] * 2)), "suppliers", "an item stands twice"),
    (changed(region="East"), "region", "'East' is none of North, Central, South"),
    (changed(gbcs_version="four"), "gbcs_version", "'four' is no GBCS version"),
    (changed(gbcs_version="x" * 500), "gbcs_version", "'" + "x" * 40 + "'... is no GBCS"),
    (changed() + ",", "", "the row has 12 cells, and the header has 11"),
    ("a", "", "the row has 1 cells, and the header has 11"),
    (changed(model='"a"b'), "", "the row is no CSV: ',' expected after '\"'"),
    (changed(model="a\rb"), "", "the row is no CSV: new-line character seen in unquoted field"),
    (changed(region='"North'), "", "the row is no CSV: unexpected end of data"),
]


@pytest.mark.parametrize(("row", "column", "reason"), BAD_ROWS)
def test_a_bad_row_is_told_with_file_line_and_column(tmp_path, row, column, reason):
    path = estate(tmp_path, HUB_ROW, row)
    with pytest.raises(RemoteError) as refused:
        read_devices(path)
    place = f"{path}, line 3" + (f", column {column}" if column else "")
    assert refused.value.reason.startswith(f"{place}: {reason}")
    assert refused.value.code is FileFault.ROW
    assert len(refused.value.reason.splitlines()) == 1
    # The collecting form goes on and says the same.
    bad_rows = BadRows()
    good = read_devices(path, bad_rows.add)
    assert bad_rows.count == 1
    assert [str(bad_row) for bad_row in bad_rows.first] == [refused.value.reason]
    assert good[0] == DEVICES[0]
    assert len(good) == (2 if reason.startswith("the file has no CHF") else 1)


def test_a_row_of_several_lines_is_told_with_its_first(tmp_path):
    path = estate(tmp_path, HUB_ROW, changed(model='"a\n\nb"', region="East"), PPMID_ROW, "x")
    bad_rows = BadRows()
    assert len(read_devices(path, bad_rows.add)) == 2
    assert [(each.line, each.column) for each in bad_rows.first] == [(3, "region"), (7, "")]


JSON_ROW = json.loads(GOLDEN["estate.jsonl"].splitlines()[1])
BAD_LINES = [
    ({"device_id": 1}, "the line is no such object: Expected `str | null`, got `int` - at `$.dev"),
    ({"suppliers": ""}, "the line is no such object: Expected `array`, got `str` - at `$.supplie"),
    ({"suppliers": ["a;b"]}, "column suppliers: an item of the list has a ; in it"),
    ({"colour": "red"}, "the line is no such object: Object contains unknown field `colour`"),
    ({"status": None}, "column status: '' is none of Pending"),
    ({"device_id": None}, "column device_id: '' is no device id"),
]


@pytest.mark.parametrize(("change", "reason"), BAD_LINES)
def test_a_bad_json_line_is_told(tmp_path, change, reason):
    path = tmp_path / "estate.jsonl"
    first = GOLDEN["estate.jsonl"].splitlines()[0]
    path.write_text(f"{first}\n{json.dumps(JSON_ROW | change)}\n")
    with pytest.raises(RemoteError) as refused:
        read_devices(path)
    assert refused.value.reason.removeprefix(f"{path}, line 2").lstrip(",: ").startswith(reason)


@pytest.mark.parametrize("name", JSON_ROW)
def test_a_json_line_without_one_of_the_names_is_told(tmp_path, name):
    path = tmp_path / "estate.ndjson"
    path.write_text(json.dumps({each: JSON_ROW[each] for each in JSON_ROW if each != name}))
    with pytest.raises(RemoteError, match=f"line 1: .* missing required field `{name}`"):
        read_devices(path)


@pytest.mark.parametrize("form", FORMS)
def test_lines_that_are_no_utf8_are_told_and_reading_goes_on(tmp_path, form):
    path = tmp_path / f"estate.{form}"
    golden = GOLDEN[f"estate.{form}"].encode()
    path.write_bytes(golden + b"\xff\xfe\n" + b'{"a":' + b"\xc3\n")
    bad_rows = BadRows()
    assert read_devices(path, bad_rows.add) == DEVICES
    assert [each.reason for each in bad_rows.first] == ["the line is not UTF-8"] * 2


def test_a_million_bad_rows_are_counted_and_the_first_told(tmp_path):
    path = tmp_path / "estate.csv"
    path.write_text(HEADER + "\n" + "x\n" * 1_000_000)
    bad_rows = BadRows()
    assert read_devices(path, bad_rows.add) == []
    assert (bad_rows.count, len(bad_rows.first)) == (1_000_000, BAD_ROWS_TOLD_MAX)
    assert bad_rows.first[-1].line == BAD_ROWS_TOLD_MAX + 1


PRODUCT_HEADER, PRODUCT_ROW, METER_ROW, _ = GOLDEN["products.csv"].split("\r\n")
BAD_PRODUCTS = [
    (PRODUCT_ROW, "firmware_version", "an earlier row has this version for the same model"),
    (PRODUCT_ROW.replace("1111;", ""), "firmware_version", "an earlier row has this version"),
    (METER_ROW.replace(",0000,", ",,"), "hardware_versions", "an entry names one at least"),
    (METER_ROW.replace("FFFFFFFF", "20000"), "firmware_version", "'20000' is no firmware ver"),
    (METER_ROW.replace("FFFF,", "1.21E+02,", 1), "manufacturer_code", "'1.21E+02' is no number"),
    (METER_ROW.replace("00" * 32, "00" * 31), "hash", "'0000"),
    (METER_ROW.replace("Active", "Pending"), "status", "'Pending' is none of Active, Cancelled"),
    (METER_ROW + ";a", "follows", "an item of the list is empty"),
]


@pytest.mark.parametrize(("row", "column", "reason"), BAD_PRODUCTS)
def test_a_bad_entry_is_told(tmp_path, row, column, reason):
    path = estate(tmp_path, PRODUCT_ROW, row, header=PRODUCT_HEADER)
    bad_rows = BadRows()
    assert read_products(path, bad_rows.add) == PRODUCTS[:1]
    (bad_row,) = bad_rows.first
    assert (bad_row.path, bad_row.line, bad_row.column) == (path, 3, column)
    assert bad_row.reason.startswith(reason)
    with pytest.raises(RemoteError):
        read_products(path)


def test_the_same_version_for_other_hardware_is_another_entry(tmp_path):
    other = PRODUCT_ROW.replace("1111;1112", "1113")
    entries = read_products(estate(tmp_path, PRODUCT_ROW, other, header=PRODUCT_HEADER))
    assert [entry.hardware_versions for entry in entries] == [(0x1111, 0x1112), (0x1113,)]


# --- Files that are none ---


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("", "the first row does not name device_id, type, manufacturer"),
        (HEADER.replace(",", ";"), "the first row does not name device_id"),
        (HEADER.replace("region,", ""), "the first row does not name region"),
        (HEADER.replace("region", "Region"), "the first row does not name region"),
        (HEADER + ",colour", "the first row names more than device_id, type"),
        (HEADER + ",type", "the first row names more than device_id, type"),
        ('"device_id', "the first row is no CSV in UTF-8"),
    ],
)
def test_a_header_names_every_column_once_and_no_other(tmp_path, header, reason):
    path = estate(tmp_path, header=header)
    with pytest.raises(RemoteError) as refused:
        read_devices(path, BadRows().add)
    assert refused.value.reason.startswith(f"{path}: {reason}")
    assert refused.value.code is FileFault.HEADER


def test_a_header_in_utf16_is_none(tmp_path):
    path = tmp_path / "estate.csv"
    path.write_bytes(GOLDEN["estate.csv"].encode("utf-16"))
    with pytest.raises(RemoteError, match="the first row is no CSV in UTF-8"):
        read_devices(path)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "row", ["x" * (FILE_ROW_OCTETS_MAX + 1), '"\n' + '","\n' * FILE_ROW_OCTETS_MAX]
)
def test_a_row_without_end_is_refused_before_it_is_read(tmp_path, form, row):
    path = estate(tmp_path, HUB_ROW, row, name=f"estate.{form}")
    if form == "jsonl":
        path.write_text(GOLDEN["estate.jsonl"] + row.replace("\n", ""))
    with pytest.raises(RemoteError, match="line 3: the row has more than 16384 octets"):
        read_devices(path, BadRows().add)


def test_a_row_of_the_limit_is_read(tmp_path):
    room = FILE_ROW_OCTETS_MAX - len(HUB_ROW.replace("Maker", "")) - 1
    for length in (room, room + 1):
        path = estate(tmp_path, HUB_ROW.replace("Maker", "x" * length), "")
        bad_rows = BadRows()
        if length == room:
            assert len(read_devices(path, bad_rows.add)[0].manufacturer) == room
        else:
            with pytest.raises(RemoteError, match="more than 16384 octets"):
                read_devices(path, bad_rows.add)


@pytest.mark.parametrize("name", ["estate.parquet", "estate", "estate.xlsx"])
def test_a_name_of_another_form_is_a_local_error(tmp_path, name):
    with pytest.raises(LocalError, match=r"does not end with \.csv, \.jsonl, \.ndjson"):
        read_devices(tmp_path / name)
    with pytest.raises(LocalError, match=r"does not end with \.csv, \.jsonl, \.ndjson"):
        write_estate(tmp_path / name, [])


def test_a_file_that_is_absent_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_devices(tmp_path / "estate.csv")


@pytest.mark.parametrize("form", FORMS)
@given(octets=st.binary(max_size=300), start=st.integers(0, 400))
def test_any_octets_give_rows_or_a_fault(folder, form, octets, start):
    path = folder / f"octets.{form}"
    path.write_bytes(GOLDEN[f"estate.{form}"].encode()[:start] + octets)
    bad_rows = BadRows()
    fault = None
    try:
        read_devices(path, bad_rows.add)
    except RemoteError as raised:
        fault = raised
    assert fault is None or isinstance(fault.code, FileFault)
    told = [str(each) for each in (*bad_rows.first, fault) if each is not None]
    assert all(sentence.startswith(str(path)) for sentence in told)


@pytest.mark.parametrize("form", FORMS)
def test_every_change_of_one_octet_gives_rows_or_a_fault(tmp_path, form):
    golden = GOLDEN[f"estate.{form}"].encode()
    path = tmp_path / f"estate.{form}"
    for place in range(len(golden)):
        for octet in b'\x00\xff\n",;\\':
            path.write_bytes(golden[:place] + bytes([octet]) + golden[place + 1 :])
            bad_rows = BadRows()
            try:
                read = read_devices(path, bad_rows.add)
            except RemoteError:
                continue
            assert read != DEVICES or golden[place] in (octet, *b"\r\n\xff")
            assert len(read) + bad_rows.count > 0


# --- What cannot be written ---


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "change",
    [
        {"manufacturer": "\ud800"},
        {"manufacturer": "x" * FILE_ROW_OCTETS_MAX},
        {"hardware_version": 0x10000},
        {"hardware_version": -1},
        {"firmware_version": "acdcacdc"},
        {"suppliers": (SUPPLIER, SUPPLIER)},
        {"gbcs_version": "four"},
        {"type": "BOILER"},
    ],
)
def test_what_would_not_come_back_is_not_written_and_the_old_file_stays(tmp_path, form, change):
    path = tmp_path / f"estate.{form}"
    write_estate(path, DEVICES)
    before = path.read_bytes()
    with pytest.raises(LocalError):
        write_estate(path, [*DEVICES, replace(DEVICES[1], device_id=ESME, **change)])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("follows", [("",), ("a;b",), ("00010000", "00010000")])
def test_a_list_that_would_not_come_back_is_not_written(tmp_path, follows):
    with pytest.raises(LocalError):
        write_products(tmp_path / "products.csv", [replace(PRODUCTS[0], follows=follows)])
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_comes_back(tmp_path):
    for form in FORMS:
        path = tmp_path / f"estate.{form}"
        write_estate(path, [])
        assert read_devices(path) == []


def test_a_bad_row_says_where_it_is(tmp_path):
    assert str(BadRow(tmp_path, 7, "model", "odd")) == f"{tmp_path}, line 7, column model: odd"
