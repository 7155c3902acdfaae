"""What an engine that is a worker hears of a worker of its own: engines alone, with nothing of Cadence between them.

It holds what docs/melodium-contract.md says of it. Where a later engine fails here because it is mended, what
docs/melodium.md
advises against it can go.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cadence.local.shared.ports import first_free
from tests.e2e.engine import BINARY, Engine, Ids, in_version, is_listening, needs_engine, secret
from tests.waiting import eventually

pytestmark = [pytest.mark.engine, needs_engine]

KEY = "11111111-1111-4111-8111-111111111111"
PROGRAM = """#!/usr/bin/env melodium
#! name = chain
#! version = 0.1.0
#! require = std:0.11.0 work:0.11.0 distrib:0.11.0 fs:0.11.0 net:0.11.0 process:0.11.0

use std/engine/util::startup
use std/flow::emit
use std/flow::stream
use std/flow::trigger
use std/flow::passBlock
use std/data/map::|map
use net/ip::|localhost_ipv4
use net/ip::|from_ipv4
use work/access::Access
use work/access::|new_access
use fs/local::writeTextLocal
use process/command::|command
use process/local::execOnce
use distrib::DistributionEngine
use distrib::distribute
use distrib::start
use distrib::stop
use distrib::sendBlock
use distrib::recvBlock

treatment main(const answer: string)
  model distributor: DistributionEngine(treatment="chain::middle", version="0.1.0")
{
    startup()
    saying: emit<string>(value="a word")
    through: across[distributor=distributor](port=FIRST)
    asStream: stream<string>()
    write: writeTextLocal(path=answer)

    startup.trigger -> saying.trigger,emit -> through.word,back -> asStream.block,stream -> write.text
}

treatment middle()
  model distributor: DistributionEngine(treatment="chain::inner", version="0.1.0")
  input word: Block<string>
  output word: Block<string>
{
    through: across[distributor=distributor](port=SECOND)
    here: inner()
    BESIDE

    Self.word -> through.word,back -> Self.word
    Self.word -> here.word
}

treatment inner()
  input word: Block<string>
  output word: Block<string>
{
    passBlock<string>(cond=true)

    Self.word -> passBlock.block,passed -> Self.word
}

treatment across[distributor: DistributionEngine](const port: u16)
  input word: Block<string>
  output back: Block<string>
{
    asStream: stream<string>()
    first: trigger<string>()
    access: emit<Access>(value=|new_access([|from_ipv4(|localhost_ipv4())], port, "KEY", "KEY"))
    start[distributor=distributor](params=|map([]))
    distribute[distributor=distributor]()
    sendBlock<string>[distributor=distributor](name="word")
    recvBlock<string>[distributor=distributor](name="word")
    comeBack: stream<string>()
    last: trigger<string>()
    stop[distributor=distributor]()

    Self.word -> asStream.block,stream -> first.stream,start -> access.trigger,emit -> start.access
    start.ready -> distribute.trigger
    distribute.distribution_id -> sendBlock.distribution_id
    distribute.distribution_id -> recvBlock.distribution_id
    Self.word -> sendBlock.data
    recvBlock.data -> Self.back
    recvBlock.data -> comeBack.block,stream -> last.stream,end -> stop.trigger
}
"""


@contextmanager
def worker(ids: Ids, seconds: int) -> Iterator[int]:
    """An engine that waits for another one, and works so long at the most; its port."""
    engine, port = Engine("http://127.0.0.1:9", ""), first_free()
    words = ("--port", str(port), "--recv-key", KEY, "--send-key", KEY, "--wait", "60", "--duration", str(seconds))
    with engine.running("dist", "--localhost", *words, ids=ids) as process:
        eventually(lambda: is_listening(port) or process.poll() is not None)
        yield port
        process.wait(120)


@pytest.mark.parametrize(
    "beside",
    [
        "",
        # One that begins and ends before the worker is asked for anything loses the answer in most runs, not in all.
        'startup()\n    hold: execOnce(command=|command("sleep", ["2"]))\n    startup.trigger -> hold.launch',
    ],
    ids=["nothing-else", "a-track-that-goes-on"],
)
def test_a_worker_hears_its_own_worker_unless_a_track_ended_before_its_first(tmp_path: Path, beside: str) -> None:
    asking, answer, program = Ids(), tmp_path / "answer", tmp_path / "chain.mel"
    with worker(Ids(group=asking.group), 60) as first, worker(Ids(group=asking.group), 60) as second:
        key = secret(KEY, tmp_path)
        places = {"FIRST": str(first), "SECOND": str(second), '"KEY"': f'"{key}"', "BESIDE": beside}
        text = in_version(PROGRAM)
        for name, value in places.items():
            text = text.replace(name, value)
        program.write_text(text)
        done = subprocess.run(
            [str(BINARY), "run", str(program), "--answer", str(answer)],
            env=Engine("http://127.0.0.1:9", "").environment(asking), capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
    assert done.stderr == ""
    assert answer.read_text() == "a word", done.stdout
