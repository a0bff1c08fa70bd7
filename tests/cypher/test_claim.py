import os
import subprocess
import sys
from dataclasses import replace

from saedb.cypher.claim import Owner


def test_an_owner_reads_back_from_its_text() -> None:
    here = Owner.here()
    assert Owner.parse(str(here)) == here
    odd = Owner(host="a:b-c.local", pid=7, started=1.25)
    assert Owner.parse(str(odd)) == odd


def test_a_living_process_is_not_gone() -> None:
    assert Owner.here().pid == os.getpid()
    assert not Owner.here().is_gone()


def test_a_process_that_ended_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert replace(Owner.here(), pid=child.pid).is_gone()


def test_a_later_process_with_the_same_number_is_another() -> None:
    assert replace(Owner.here(), started=1.0).is_gone()


def test_of_another_machine_nothing_is_known() -> None:
    assert not replace(Owner.here(), host="elsewhere", pid=2**22 + 1).is_gone()
