"""`hanota demo`: both methods on a town of homes, start to end, in one process.

Here are the options and the inputs; what is said meanwhile is in `demo_progress` and at the end in
`demo_summary` and `demo_tables`, the work itself in `sim.ppmid_rollout` and `sim.hcalcs_rollout`.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from hanota.cli.demo_progress import follow
from hanota.cli.demo_summary import Summary, summarise
from hanota.cli.demo_tables import Places, show
from hanota.cli.failure import ExitCode, run
from hanota.cli.octets import read_octets
from hanota.errors import LocalError
from hanota.ledger.ledger import Ledger
from hanota.limits import DEMO_HCALCS_IMAGE_OCTETS, DEMO_IMAGE_OCTETS
from hanota.model import DeviceType, eui_text
from hanota.serve.homes import RadioDepth
from hanota.sim.capture import Capture
from hanota.sim.hcalcs_rollout import HcalcsRollout
from hanota.sim.ppmid_campaign import PpmidCampaign
from hanota.sim.ppmid_rollout import PpmidRollout
from hanota.sim.town import Home, build_town
from hanota.sim.town_images import seeded_image
from hanota.sim.world import World
from hanota.smki.organisations import SUPPLIER
from hanota.wire.duis import decode_request, open_document
from hanota.wire.duis.values import Request, UpdatePPMIDFirmware
from hanota.wire.image import OtaImage, decode_image


@run
def demo(
    *,
    homes: Annotated[int, typer.Option(help="Homes in the town.")] = 200,
    request: Annotated[
        Path | None,
        typer.Option(
            help="A DUIS 11.4 to carry out, and nothing else: its image, devices and RequestID, "
            "signed anew."
        ),
    ] = None,
    image: Annotated[
        Path | None,
        typer.Option(help="An OTA file for PPMIDs to deliver instead of a made-up one."),
    ] = None,
    radio: Annotated[
        RadioDepth, typer.Option(help="frames: every ZigBee frame; flow: one event a download.")
    ] = RadioDepth.FRAMES,
    pcap: Annotated[
        Path | None, typer.Option(help="Write the first home's frames, for Wireshark.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides keys, image and which homes fail.")] = 1,
    state: Annotated[
        Path | None, typer.Option(help="Folder for the two ledgers; default: a new one under out/.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Update the PPMIDs and HCALCSs of a town over the air, with the real bytes at every hop.

    A supplier runs a campaign: Service Requests 11.4 go to a canary first, then to all. The DCC
    checks each, hands the image to the hubs, and every PPMID pulls, verifies and activates it. A
    campaign before it brings a release that no maker made: its canary shows that, and a halt stops
    it. With --request or --image there is one 11.4 and no campaign. An hour later one 11.1 brings
    an image to the HCALCSs, and a signed 11.3 has each activate it: at once, at a time, or
    cancelled before. Some homes are set up to fail in known ways. Time is virtual: a week passes
    in seconds.

    Exit code 1 if any device is not accounted for, or ends otherwise than its home was set up for;
    3 if the DCC refuses the whole request.

    Examples:
      hanota demo

      hanota demo --homes 20 --pcap home.pcap

      hanota demo --request 11.4_UPDATE_PPMID_FIRMWARE_REQUEST_DUIS.XML
    """
    if request is not None and image is not None:
        raise LocalError("give --request or --image, not both: a request brings its own image")
    town = build_town(homes, seed)
    asked = None if request is None else _read_request(request)
    images = _images(asked, image, seed)
    places = Places(_folder(state), pcap)
    began = time.perf_counter()
    with (
        _capture(pcap, town[0], inputs=(request, image)) as capture,
        _ledger(places.ledgers[0], "supplier") as supplier_ledger,
        _ledger(places.ledgers[1], "dcc") as dcc_ledger,
    ):
        world = World(
            town=town,
            seed=seed,
            images=images,
            supplier_ledgers={SUPPLIER: supplier_ledger},
            dcc_ledger=dcc_ledger,
            depth=radio,
            tap=None if capture is None else capture.tap,
        )
        given = asked is not None or image is not None
        ppmids = PpmidRollout(world, asked) if given else PpmidCampaign(world, seed)
        hcalcs = HcalcsRollout(world) if asked is None else None
        follow([ppmids] if hcalcs is None else [ppmids, hcalcs], quiet=as_json)
        summary = summarise(world, ppmids, hcalcs, wall_s=time.perf_counter() - began)
    show(summary, places, as_json=as_json)
    raise typer.Exit(_ending(summary))


def _read_request(path: Path) -> Request:
    request = decode_request(open_document(read_octets(path)))
    if not isinstance(request.body, UpdatePPMIDFirmware):
        raise LocalError(
            f"the demo carries out 11.4, and this is a request for {request.service_reference}"
        )
    if request.request_id.originator != SUPPLIER:
        raise LocalError(
            f"the demo's supplier is {eui_text(SUPPLIER)}, and this is a request of "
            f"{eui_text(request.request_id.originator)}"
        )
    return request


def _images(asked: Request | None, path: Path | None, seed: int) -> dict[DeviceType, OtaImage]:
    return {
        DeviceType.PPMID: _ppmid_image(asked, path, seed),
        DeviceType.HCALCS: seeded_image(DEMO_HCALCS_IMAGE_OCTETS, seed, kind=DeviceType.HCALCS),
    }


def _ppmid_image(asked: Request | None, path: Path | None, seed: int) -> OtaImage:
    match asked:
        case Request(body=UpdatePPMIDFirmware(firmware_image=octets)):
            return decode_image(octets, signed=False)
    if path is None:
        return seeded_image(DEMO_IMAGE_OCTETS, seed)
    return decode_image(read_octets(path), signed=False)


def _folder(state: Path | None) -> Path:
    """A folder without ledgers: the one that was asked for, or the next free one under out/."""
    try:
        folder = _next_folder() if state is None else state
        folder.mkdir(parents=True, exist_ok=state is not None)
        if any(ledger.exists() for ledger in Places(folder).ledgers):
            raise LocalError(f"{folder} holds the ledgers of an earlier run: name another folder")
    except OSError as error:
        raise LocalError(f"cannot make the folder {error.filename}: {error.strerror}") from error
    return folder


def _next_folder() -> Path:
    number = 1
    while (folder := Path("out") / f"demo-{number}").exists():
        number += 1
    return folder


def _ledger(path: Path, owner: str) -> Ledger:
    return Ledger.open(f"sqlite:///{path}", owner=owner)


@contextmanager
def _capture(
    path: Path | None, home: Home, *, inputs: Sequence[Path | None]
) -> Iterator[Capture | None]:
    if path is None:
        yield None
        return
    try:
        if path.exists() and any(path.samefile(given) for given in inputs if given is not None):
            raise LocalError(f"{path} is an input of this run: name another file for --pcap")
        file = path.open("wb")
    except OSError as error:
        raise LocalError(f"cannot write {path}: {error.strerror}") from error
    with file:
        yield Capture(home, file.write)


def _ending(summary: Summary) -> ExitCode:
    if any(part.refused for part in summary.parts):
        return ExitCode.REFUSED
    return ExitCode.DONE if summary.all_accounted_for else ExitCode.FAILED
