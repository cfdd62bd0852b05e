"""The mistakes: the file, the text replaced, what it becomes, and what has to catch it.

Most must be caught by the simulator (`faults` says with which ones), whose invariants are then
known to bite; where the simulated world cannot make a mistake matter, `tests` names the tests that
do. The text must stand in the file exactly once: a mistake whose text has gone is reported, so
that this list follows the code.
"""

from typing import NamedTuple


class Mutant(NamedTuple):
    """One mistake, in a file below `src/hanota`."""

    name: str
    file: str
    old: str
    new: str
    faults: str = "all"
    tests: str = ""


MUTANTS = (
    # Devices
    Mutant(
        "a device runs an image that its maker did not release",
        "han/verification.py",
        "if suits(image.header, make) and manufacturer_image_hash(image) in released:",
        "if suits(image.header, make):",
        "flash-damaged=0.003,not-released=0.5",
    ),
    Mutant(
        "a PPMID runs a new image without a trial",
        "han/ppmid.py",
        "Record(bootloader.written(Boot(slot, Stage.TRIAL, 0, version)))",
        "Record(bootloader.written(Boot(slot, Stage.CONFIRMED, 0, version)))",
        "does-not-start=0.5",
    ),
    Mutant(
        "a device tries an image that does not start for ever",
        "han/bootloader.py",
        "return state.boots >= TRIAL_BOOTS_MAX",
        "return False",
        tests="tests/han/test_bootloader.py",
    ),
    Mutant(
        "a device that went back to its old image says nothing",
        "han/ppmid.py",
        "    Stage.ROLLED_BACK: ActivationResult.FAILURE,\n",
        "",
        tests="tests/han/test_ppmid.py",
    ),
    Mutant(
        "a PPMID does not record the counter of its alert",
        "han/ppmid.py",
        "                **counter,\n",
        "",
        "none",
    ),
    Mutant(
        "a PPMID does not record its alert before it sends it",
        "han/ppmid.py",
        "                **self._tunnel.add(message),\n",
        "                **(self._tunnel.add(message) and {}),\n",
        tests="tests/han/test_every_step.py",
    ),
    Mutant(
        "a download goes on over what was there before",
        "han/download.py",
        "return (EraseSlot(self._slot), Record(begun))",
        "return (Record(begun),)",
        "none",
    ),
    Mutant(
        "a client downloads into the slot that runs",
        "han/ppmid.py",
        "slot=1 - self._slot,",
        "slot=self._slot,",
        "none",
    ),
    Mutant(
        "a client gives up a block that does not come at once",
        "han/ota_client.py",
        "if self._tries < patience.tries:",
        "if self._tries < 0:",
        tests="tests/han/test_ota_client.py",
    ),
    Mutant(
        "a future-dated command stays after it was carried out",
        "han/firmware_activation.py",
        "values: Values = {WAITING_KEY: None, OWED_KEY: _encoder.encode(order)}",
        "values: Values = {OWED_KEY: _encoder.encode(order)}",
        "none",
    ),
    Mutant(
        "a command that waits is not recorded",
        "han/firmware_activation.py",
        "values: Values = {WAITING_KEY: _encoder.encode(order)}",
        "values: Values = {}",
        tests="tests/han/test_signed_every_step.py",
    ),
    Mutant(
        "the outcome of an activation stays owed",
        "han/firmware_activation.py",
        "values={**step.values, OWED_KEY: None})",
        "values=step.values)",
        "power-cut=0.005",
    ),
    Mutant(
        "an image of another supplier is activated",
        "han/firmware_activation.py",
        "if held is None or held.supplier != order.supplier:",
        "if held is None:",
        tests="tests/han/test_firmware_activation.py tests/han/test_signed_image_device.py",
    ),
    Mutant(
        "an image is activated whatever hash the command names",
        "han/firmware_activation.py",
        "if held.image_hash != order.image_hash:",
        "if False:",
        tests="tests/han/test_firmware_activation.py",
    ),
    Mutant(
        "a command with the counter of the one before is carried out",
        "han/command_reception.py",
        "return message.counter > self._accepted.get(message.originator, -1)",
        "return message.counter >= self._accepted.get(message.originator, -1)",
        "radio,frame-lost=0.05,wan",
    ),
    Mutant(
        "a device forgets which commands it has taken",
        "han/command_reception.py",
        '{f"{_PREFIX}{message.originator:016X}": counter}',
        "{}",
        "frame-lost=0.1,wan,wan-doubled=0.5",
    ),
    Mutant(
        "nobody checks who signed a command",
        "han/command_reception.py",
        "        Refusal.SIGNATURE: _signature_valid,\n",
        "",
        tests="tests/han/test_command_reception.py",
    ),
    Mutant(
        "nobody checks the MAC of a command",
        "han/command_reception.py",
        "        Refusal.MAC: _mac_valid,\n",
        "",
        tests="tests/han/test_command_reception.py",
    ),
    Mutant(
        "an image without its supplier's signature is taken",
        "han/firmware_distribution.py",
        "return None if image is None or self._supplier(image) is None else image",
        "return image",
        tests="tests/han/test_signed_image_device.py",
    ),
    # Hubs
    Mutant(
        "a hub tells a device that it has a message before it has recorded it",
        "han/hub.py",
        "return (Record(values), receipt, *sends)",
        "return (receipt, Record(values), *sends)",
        "power-cut=0.02,frame-lost=0",
    ),
    Mutant(
        "a hub does not send again after a power cut what the DCC has not acknowledged",
        "han/hub.py",
        "return (*started, *envelopes, *messages, *self._notify(now_ms)",
        "return (*started, *messages, *self._notify(now_ms)",
        "power,wan-lost=0.5",
    ),
    Mutant(
        "a hub forgets the counter of its alerts",
        "han/hub.py",
        "return {**counter, **values}, sends",
        "return values, sends",
        "power-cut=0.005",
    ),
    Mutant(
        "an outbox begins its numbers anew after a power cut",
        "han/outbox.py",
        'values: Values = {self._name: self._last.to_bytes(8, "big"), self._key(self._last): body}',
        "values: Values = {self._key(self._last): body}",
        "power-cut=0.01,wan,wan-doubled=0.5",
    ),
    Mutant(
        "a tunnel sends a message once and never again",
        "han/gbcs_tunnel.py",
        "return (*(Send(self._peer, chunk) for chunk in chunks), wake)",
        "return tuple(Send(self._peer, chunk) for chunk in chunks)",
        "radio,frame-lost=0.1",
    ),
    Mutant(
        "a hub never gives an image up",
        "han/ota_server.py",
        "if target.since_ms + self._settings.give_up_ms <= now_ms",
        "if target.since_ms < 0",
        tests="tests/han/test_hub.py tests/han/test_ota_server.py",
    ),
    Mutant(
        "a hub has room for any number of images",
        "han/ota_server.py",
        "if len(others | {digest}) > self._settings.image_slots:",
        "if False:",
        tests="tests/han/test_hub.py tests/han/test_ota_server.py",
    ),
    # The shell of homes
    Mutant(
        "a clock that is set leaves the wakes of its node where they were",
        "serve/homes.py",
        "            self._agenda.shift(node_id, -by_ms, but=_SPAN)\n",
        "            pass\n",
        "home-clock-step=4",
    ),
    Mutant(
        "a device restarts with the hub that it has left",
        "serve/homes.py",
        "        node.hub_id = hub_id\n",
        "",
        "hub-replaced=0.5",
    ),
    # Ledgers and the DCC
    Mutant(
        "a ledger takes every message for a new one",
        "ledger/batch.py",
        'return self._database.put_new("remember_message", map(columns.key_row, keys))',
        'return [True for _ in self._database.put_new("remember_message", '
        "map(columns.key_row, keys))]",
        "wan",
    ),
    Mutant(
        "a ledger does not count",
        "ledger/recording.py",
        "        self._count_deliveries(before, after)\n",
        "",
        "none",
    ),
    Mutant(
        "a ledger does not link its journal",
        "ledger/recording.py",
        "        heads[key] = this\n",
        "        pass\n",
        "none",
    ),
    Mutant(
        "the DCC does not learn what a device runs",
        "serve/dcc_reception.py",
        "        batch.put_devices(learned.values())\n",
        "",
        "none",
    ),
    Mutant(
        "the DCC forgets a push that was not taken",
        "serve/dcc_pushes.py",
        "batch.postpone([push.number], next_ms)",
        "batch.settle([push.number])",
        "http",
    ),
    Mutant(
        "the DCC refuses the request that it has answered already",
        "serve/dcc_gateway.py",
        "return used.command_variant == request.command_variant and used.digest == digest",
        "return False",
        tests="tests/serve/test_dcc_shell.py",
    ),
    Mutant(
        "the DCC answers a repeated request by doing it again",
        "serve/dcc_gateway.py",
        "        if used is not None:\n",
        "        if used is None and False:\n",
        tests="tests/serve/test_dcc_shell.py",
    ),
    Mutant(
        "the DCC never ends its tracking",
        "serve/dcc.py",
        "            batch.record(_tracking_ended(delivery, now_ms) for delivery in due)\n",
        "",
        tests="tests/serve/test_dcc_shell.py",
    ),
    Mutant(
        "the DCC gives an answer again under a certificate that it has no more",
        "serve/dcc_gateway.py",
        "renewed = with_signature_of(self._signer, answer)",
        "renewed = answer",
        tests="tests/serve/test_dcc_renewal.py",
    ),
    Mutant(
        "the DCC refuses a repeat whose certificate has expired since",
        "serve/dcc_gateway.py",
        "if row.digest == digest and row.answer is not None:",
        "if row.answer is None:",
        tests="tests/serve/test_dcc_renewal.py",
    ),
    Mutant(
        "the DCC pushes under a certificate that it has no more",
        "serve/dcc_pushes.py",
        "signed = list(map(self._signed_now, first))",
        "signed = first",
        tests="tests/serve/test_dcc_renewal.py",
    ),
    Mutant(
        "the DCC believes a read that an activation has overtaken",
        "serve/dcc_broker.py",
        "overtaken = _is_overtaken(batch, reply, command, known, entries)",
        "overtaken = False",
        tests="tests/serve/test_dcc_broker.py",
    ),
    Mutant(
        "the DCC takes an image for replaced by one that never arrives",
        "dcc/tracking.py",
        "    {Milestone.TRANSFERRED, Milestone.DISTRIBUTED, ",
        "    {Outcome.TRANSFER_FAILED, Milestone.TRANSFERRED, Milestone.DISTRIBUTED, ",
        tests="tests/serve/test_dcc_deliveries.py",
    ),
    Mutant(
        "the DCC believes a hub of devices that are behind another",
        "dcc/reception.py",
        "return device.hub_id == report.hub_id",
        "return True",
        tests="tests/sim/test_hub_replaced.py",
    ),
    # Suppliers
    Mutant(
        "a supplier believes a version that an activation has overtaken",
        "serve/supplier_commands.py",
        "if _is_overtaken(batch, one.message, command, estate):",
        "if False:",
        tests="tests/serve/test_supplier_commands.py",
    ),
    Mutant(
        "a supplier takes whom one part of a warning does not list for accepted",
        "supplier/answers.py",
        "is_part = pushed and bool(listed)",
        "is_part = False",
        tests="tests/supplier/test_answers.py tests/serve/test_supplier_shell.py",
    ),
    Mutant(
        "a supplier counts a push again that the DCC has signed anew",
        "serve/supplier.py",
        "return hashlib.sha256(signature.signed_info).digest()",
        "return hashlib.sha256(signature.value).digest()",
        tests="tests/serve/test_supplier_shell.py",
    ),
    Mutant(
        "a supplier takes an image for replaced by one that is only accepted",
        "supplier/tracking.py",
        "    {_TRANSFERRED, _DISTRIBUTED, ",
        "    {_ACCEPTED, _TRANSFERRED, _DISTRIBUTED, ",
        tests="tests/serve/test_tables_agree.py",
    ),
    Mutant(
        "a supplier counts a push twice",
        "serve/supplier.py",
        "new = [push for push, first in zip(others, unseen, strict=True) if first]",
        "new = list(others)",
        "kill,killed=0.1",
    ),
    Mutant(
        "a supplier takes delivery for success",
        "supplier/tracking.py",
        "    (_ACCEPTED, Evidence.DELIVERY_SUCCESS): _DELIVERED,\n",
        "    (_ACCEPTED, Evidence.DELIVERY_SUCCESS): Outcome.UPDATED,\n",
        "none",
    ),
    Mutant(
        "a supplier does not believe a proof that comes late",
        "supplier/tracking.py",
        "    **{(state, proof): Outcome.UPDATED_LATE "
        "for state in _UNPROVEN for proof in _PROOF},\n",
        "",
        tests="tests/supplier/test_supplier_tracking.py",
    ),
    Mutant(
        "a supplier gives a silent device up without asking it",
        "supplier/read_back.py",
        "if tried < READ_BACK_TRIES:",
        "if tried < 0:",
        "all,receiver-refuses=0.4,receiver-down=0.5",
    ),
    Mutant(
        "a supplier forgets to send what it has recorded",
        "serve/supplier.py",
        "        batch.post([Outgoing(0, self._dcc_id, octets, now_ms, 0)])\n        return row\n",
        "        return row\n",
        "none",
    ),
    Mutant(
        "a supplier forgets a request when it has an answer, before it has recorded that",
        "serve/supplier.py",
        "        with self._ledger.batch() as batch:\n"
        "            row = batch.request(asked.request_id, asked.command_variant)\n",
        "        with self._ledger.batch() as batch:\n"
        "            batch.settle([sent.number])\n"
        "        with self._ledger.batch() as batch:\n"
        "            row = batch.request(asked.request_id, asked.command_variant)\n",
        "killed=0.2",
    ),
    Mutant(
        "a supplier does not move what a device has answered",
        "supplier/tracking.py",
        "    (_ACTIVATION_REQUESTED, Evidence.ACTIVATION_REFUSED): _DISTRIBUTED,\n",
        "",
        tests="tests/supplier/test_supplier_tracking.py",
    ),
    Mutant(
        "a supplier answers no silence",
        "serve/supplier.py",
        "            self._commands.read_versions(batch, request_ids, None, now_ms)\n",
        "",
        tests="tests/serve/test_supplier_shell.py tests/serve/test_supplier_commands.py",
    ),
)
