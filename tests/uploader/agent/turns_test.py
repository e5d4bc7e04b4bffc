# SPDX-License-Identifier: Apache-2.0
"""Builds that take turns, because the request or the site says how many may run at once."""
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import unittest

import support
from support import LIFTED, Bundle, plan

# Two builds at once must not share what the stand-in remembers of an image.
STAND_IN = support.STAND_IN.replace('os.path.join(here, "state")', 'os.path.join(here, "state-" + os.path.basename('
                                    'next(word for word in words if "/images/" in word)))')
AT_ONCE = """
    mine = os.path.join(here, "busy-%d" % os.getpid())
    open(mine, "w").close()
    with open(os.path.join(here, "most"), "a") as file:
        file.write("%d\\n" % sum(name.startswith("busy-") for name in os.listdir(here)))
    while not os.path.exists(os.path.join(here, "go")):
        time.sleep(0.02)
    time.sleep(0.1)
    os.unlink(mine)
"""


class Turns(support.Host):
    def setUp(self):
        super().setUp()
        self.tool("apptainer", STAND_IN % {"python": support.PYTHON})
        self.bundles = [Bundle(self.key, plan(version="1.%d.0" % number)) for number in range(4)]
        for bundle in self.bundles:
            self.put(bundle.objects())
        self.behave(AT_ONCE)

    def ask(self, bundle, builds=1, **more):
        return self.good(bundle.request(builds=builds, **more))

    def state(self, bundle):
        return self.good({"op": "state", "bundle": bundle.id})

    def ask_all(self, builds=1):
        """Every one but the first waits; the first one's Apptainer is running."""
        answers = [self.ask(bundle, builds) for bundle in self.bundles]
        self.until(self.launches, "the first launch")
        return answers

    def go(self):
        self.tool("go", "")

    def finish(self):
        self.go()
        for bundle in self.bundles:
            self.wait(bundle, "done")

    def launched(self):
        """The numbers of the bundles, in the order of their launches."""
        ids = [bundle.id for bundle in self.bundles]
        return [ids.index(next(one for one in ids if one in " ".join(launch["argv"]))) for launch in self.launches()]

    def queue(self):
        folder = self.store_path("queue")
        return os.listdir(folder) if os.path.isdir(folder) else []

    def at_once(self):
        with open(os.path.join(self.tools, "most")) as file:
            return max(map(int, file))

    def kill(self, handle, how=signal.SIGKILL):
        os.kill(handle["pid"], how)
        self.until(lambda: not os.path.exists("/proc/%d" % handle["pid"]), "the supervisor's end")


class Order(Turns):
    def test_one_after_the_other_in_the_order_of_their_asking(self):
        answers = self.ask_all()
        self.assertEqual(["building"] + ["waiting"] * 3, [answer["state"] for answer in answers])
        self.assertEqual([0, 1, 2], [answer["ahead"] for answer in answers[1:]])
        self.assertEqual([("waiting", 0), ("waiting", 1), ("waiting", 2)],
                         [(self.state(one)["state"], self.state(one)["ahead"]) for one in self.bundles[1:]])
        self.finish()
        self.assertEqual([0, 1, 2, 3], self.launched())
        self.assertEqual(1, self.at_once())
        self.until(lambda: not self.processes_here(), "every process to end")
        self.assertEqual([], self.leftovers() + self.queue())

    def test_as_many_at_once_as_were_allowed(self):
        self.ask_all(builds=2)
        self.until(lambda: len(self.launches()) == 2, "two launches")
        self.finish()
        self.assertEqual(2, self.at_once())
        self.assertEqual([0, 1, 2, 3], sorted(self.launched()))

    def test_the_operator_may_allow_less(self):
        self.write_config("site.json", {"scratch": self.scratch, "builds": 1})
        self.assertEqual("building", self.good(self.bundles[0].request())["state"])
        self.assertEqual("waiting", self.ask(self.bundles[1], builds=7)["state"])
        self.assertEqual("waiting", self.good(self.bundles[2].request())["state"])

    def test_where_nobody_says_how_many_there_is_no_queue(self):
        for bundle in self.bundles:
            self.assertEqual("building", self.good(bundle.request())["state"])
        self.finish()

    def test_one_who_may_have_more_is_not_kept_waiting_by_one_who_may_not(self):
        self.ask(self.bundles[0])
        self.assertEqual("waiting", self.ask(self.bundles[1])["state"])
        self.assertEqual("building", self.ask(self.bundles[2], builds=2)["state"])
        self.finish_those(self.bundles[:3])
        self.assertEqual([0, 1, 2], sorted(self.launched()))

    def finish_those(self, bundles):
        self.go()
        for bundle in bundles:
            self.wait(bundle, "done")

    def test_t81_asking_again_keeps_the_place_and_starts_nothing(self):
        self.ask_all()
        again = [self.ask(bundle) for bundle in (self.bundles[1], self.bundles[3], self.bundles[2])]
        self.assertEqual([("waiting", 0), ("waiting", 2), ("waiting", 1)],
                         [(answer["state"], answer["ahead"]) for answer in again])
        self.finish()
        self.assertEqual([0, 1, 2, 3], self.launched())

    def test_many_callers_at_once(self):
        lines = [(json.dumps(bundle.request(builds=1)) + "\n").encode() for bundle in self.bundles]
        callers = [self.start(line) for line in lines * 2]
        for caller in callers:
            caller.communicate(timeout=120)
        self.finish()
        self.assertEqual([0, 1, 2, 3], sorted(self.launched()))
        self.assertEqual(1, self.at_once())

    def test_t82_a_state_can_bring_the_receipt(self):
        self.ask(self.bundles[0])
        self.assertNotIn("receipt", self.good({"op": "state", "bundle": self.bundles[0].id, "receipt": True}))
        self.go()
        self.wait(self.bundles[0], "done")
        receipt = self.good({"op": "receipt", "bundle": self.bundles[0].id})["receipt"]
        self.assertEqual(receipt, self.good({"op": "state", "bundle": self.bundles[0].id, "receipt": True})["receipt"])
        self.assertNotIn("receipt", self.state(self.bundles[0]))

    def test_limits_that_are_none(self):
        for builds in (0, -1, 4097, "1", True):
            self.refused(self.bundles[0].request(builds=builds), "usage", "builds")
        self.write_config("site.json", {"builds": 0})
        self.refused(self.bundles[0].request(), "input", "builds")
        self.assertEqual([], self.launches())


class Checks(Turns):
    """What waits is checked when it comes, and when its turn comes."""

    def test_nobody_waits_whom_the_policy_does_not_know(self):
        self.ask(self.bundles[0])
        stranger = Bundle(support.Key("stranger"), plan(version="9.0.0"))
        self.put(stranger.objects())
        self.refused(stranger.request(builds=1), "answer")
        self.assertEqual("none", self.state(stranger)["state"])

    def test_a_wrong_bundle_does_not_wait(self):
        self.ask(self.bundles[0])
        wrong = Bundle(self.key, plan(version="9.0.0"), definition=b"Bootstrap: docker\n")
        self.put(wrong.objects())
        self.refused(wrong.request(builds=1), "format")
        self.assertEqual("failed", self.state(wrong)["state"])

    def test_the_policy_is_asked_again_when_the_turn_comes(self):
        self.ask_all()
        self.trust(support.Key("somebody else"))
        self.go()
        self.wait(self.bundles[0], "done")
        for bundle in self.bundles[1:]:
            self.assertTrue(self.wait(bundle, "failed")["error"])
        self.assertEqual([0], self.launched())
        self.trust(self.key)
        for bundle in self.bundles:
            self.ask(bundle)
        self.finish()

    def test_an_object_that_went_away_is_asked_for_again(self):
        self.ask_all()
        name = support.sha256(self.bundles[1].manifest)
        os.unlink(self.store_path("objects", "sha256", name[:2], name))
        self.go()
        self.wait(self.bundles[3], "done")
        self.assertEqual("interrupted", self.state(self.bundles[1])["state"])
        self.put(self.bundles[1].objects())
        self.ask(self.bundles[1])
        self.finish()
        self.assertEqual([0, 1, 2, 3], sorted(self.launched()))

    def test_one_that_cannot_be_built_does_not_keep_the_others(self):
        self.behave("if %r in out: sys.exit(3)\ntime.sleep(0.3)" % self.bundles[1].id)
        for bundle in self.bundles:
            self.ask(bundle)
        for bundle in (self.bundles[0], self.bundles[2], self.bundles[3]):
            self.wait(bundle, "done")
        self.assertEqual("failed", self.state(self.bundles[1])["state"])


class Deaths(Turns):
    def test_t72_when_the_builder_dies_the_queue_stands_still_until_somebody_asks(self):
        handle = self.ask_all()[0]
        self.kill(handle)
        self.assertEqual(["interrupted"] + ["stalled"] * 3, [self.state(one)["state"] for one in self.bundles])
        self.tool("behaviour", "")
        self.ask(self.bundles[2])
        for bundle in self.bundles[1:]:
            self.wait(bundle, "done")
        self.assertEqual("interrupted", self.state(self.bundles[0])["state"])
        self.ask(self.bundles[0])
        self.finish()
        self.assertEqual([0, 0, 1, 2, 3], sorted(self.launched()))

    def test_who_is_told_to_stop_starts_nothing_more(self):
        handle = self.ask_all()[0]
        self.kill(handle, signal.SIGTERM)
        self.until(lambda: not self.processes_here(), "every process to end")
        self.assertEqual([0], self.launched())
        self.assertEqual("stalled", self.state(self.bundles[1])["state"])

    def test_t72_callers_and_supervisors_killed_at_any_moment(self):
        chance = random.Random(3)
        self.behave("time.sleep(0.05)")
        lines = [(json.dumps(bundle.request(builds=1)) + "\n").encode() for bundle in self.bundles]
        deaths = 0
        for _ in range(14):
            caller = self.start(b"".join(chance.sample(lines, 2)))
            time.sleep(chance.uniform(0.05, 0.7))
            caller.kill()
            caller.communicate()
            if chance.random() < 0.5:
                deaths += self.kill_supervisor()
        for bundle in self.bundles:
            self.until(lambda one=bundle: self.state(one)["state"] == "done" or self.ask(one) is None, "the build")
        self.until(lambda: not self.processes_here(), "every process to end")
        self.assertLessEqual(len(self.launched()), len(self.bundles) + deaths, self.launched())
        self.assertEqual([], self.leftovers() + self.queue())

    def kill_supervisor(self):
        for bundle in self.bundles:
            answer = self.state(bundle)
            if answer["state"] == "building":
                try:
                    os.kill(answer["pid"], signal.SIGKILL)
                    return 1
                except ProcessLookupError:
                    pass
        return 0


class TakingOver(support.Host):
    """A lock that a call took for its supervisor, and the call may be dead when the supervisor comes."""

    def setUp(self):
        super().setUp()
        self.place = os.path.join(self.scratch, "place")
        os.mkdir(self.place)

    def taken_by_the_dead(self):
        """(number, nonce) of a lock whose owner has ended."""
        number, nonce, _ = LIFTED.take_lock(self.place)
        path = os.path.join(LIFTED.lock_path(self.place, number), "owner.json")
        LIFTED.write_json(path, dict(LIFTED.load_json(LIFTED.read_file(path, 1 << 20), path), pid=1 << 22))
        return number, nonce

    def names(self):
        return sorted(os.listdir(self.place))

    def other(self, number):
        """Somebody who lives and has taken this number."""
        os.rename(LIFTED.new_lock(self.place, "0" * 32), LIFTED.lock_path(self.place, number))
        return number

    def soon(self, what):
        later = threading.Timer(0.2, what)
        later.start()
        self.addCleanup(later.join)

    def test_it_replaces_the_lock_of_its_maker(self):
        number, nonce, _ = LIFTED.take_lock(self.place)
        self.assertEqual(2, LIFTED.take_over(self.place, number, nonce))
        self.assertTrue(LIFTED.still_mine(self.place, 2, nonce))
        self.assertEqual(["lock.2"], self.names())
        self.assertEqual(os.getpid(), LIFTED.take_lock(self.place)[2]["pid"])

    def test_t77_who_was_overtaken_ends(self):
        number, nonce = self.taken_by_the_dead()
        other, others, _ = LIFTED.take_lock(self.place)
        self.assertIsNone(LIFTED.take_over(self.place, number, nonce))
        self.assertTrue(LIFTED.still_mine(self.place, other, others))
        self.assertEqual(["lock.2"], self.names())

    def test_t77_who_is_being_overtaken_ends(self):
        """The other has its number, and is about to drop the dead one's lock."""
        number, nonce = self.taken_by_the_dead()
        other = self.other(number + 1)
        self.soon(lambda: LIFTED.drop_the_dead(self.place, other, os.path.join(self.place, ".lock-" + "1" * 32)))
        self.assertIsNone(LIFTED.take_over(self.place, number, nonce))
        self.assertTrue(LIFTED.still_mine(self.place, other, "0" * 32))
        self.assertEqual([other], [one for one in LIFTED.lock_numbers(self.place)
                                   if LIFTED.is_alive(LIFTED.lock_path(self.place, one))])

    def test_t77_who_gives_way_does_not_stop_it(self):
        """The other has seen that the maker lives, and is about to leave."""
        number, nonce, _ = LIFTED.take_lock(self.place)
        other = self.other(number + 1)
        self.soon(lambda: LIFTED.release_lock(self.place, other))
        mine = LIFTED.take_over(self.place, number, nonce)
        self.assertGreater(mine, other)
        self.assertEqual(["lock.%d" % mine], self.names())

    def late(self, number):
        """The next to take a lock has looked at the numbers long ago, and gets this one."""
        real, seen = LIFTED.number_lock, LIFTED.current_owner

        def number_late(folder, aside):
            os.rename(aside, LIFTED.lock_path(folder, number))
            LIFTED.number_lock, LIFTED.current_owner = real, seen
            return number
        LIFTED.number_lock, LIFTED.current_owner = number_late, lambda folder: None

    def test_t77_a_number_that_is_free_again_lets_nobody_in(self):
        number, nonce, _ = LIFTED.take_lock(self.place)
        mine = LIFTED.take_over(self.place, number, nonce)
        self.assertEqual(["lock.2"], self.names())
        self.late(1)
        got, _, owner = LIFTED.take_lock(self.place)
        self.assertEqual((None, os.getpid()), (got, owner["pid"]))
        self.assertTrue(LIFTED.still_mine(self.place, mine, nonce))
        self.assertEqual(["lock.2"], self.names())

    def test_t72_one_that_holds_and_does_nothing_is_named(self):
        number, nonce, _ = LIFTED.take_lock(self.place)
        self.other(number + 1)
        with self.assertRaises(LIFTED.Refusal) as caught:
            LIFTED.take_over(self.place, number, nonce, 1)
        self.assertIn("process %d" % os.getpid(), str(caught.exception))
        self.assertEqual(["lock.1", "lock.2"], self.names())

    def test_t72_a_full_disk_leaves_no_lock(self):
        real = LIFTED.write_json

        def full(path, value):
            raise LIFTED.Refusal("io", "no space left on device")
        LIFTED.write_json = full
        try:
            with self.assertRaises(LIFTED.Refusal):
                LIFTED.take_lock(self.place)
        finally:
            LIFTED.write_json = real
        self.assertEqual([], self.names())

    def test_t77_many_at_once(self):
        """However the dead one's successor and those who ask meet, one of them has it."""
        for _ in range(30):
            number, nonce = self.taken_by_the_dead()
            got, barrier = [], threading.Barrier(3)

            def run(what):
                barrier.wait()
                got.append(what())
            threads = [threading.Thread(target=run, args=(what,)) for what in (
                lambda: LIFTED.take_over(self.place, number, nonce),
                lambda: LIFTED.take_lock(self.place)[0], lambda: LIFTED.take_lock(self.place)[0])]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
            mine, = [one for one in got if one is not None]
            LIFTED.release_lock(self.place, mine)


READY = 'save_state(store, bundle, state="building", step="build"'


class Seats(Turns):
    """A seat is never lost, and nobody fails because somebody else's supervisor has died with it."""

    def test_t72_a_supervisor_that_dies_with_the_seat_in_its_hands(self):
        marker = os.path.join(self.tools, "die")
        text = support.source(self.etc)
        self.assertEqual(1, text.count(READY))
        text = text.replace(READY, "os.path.exists(%r) and (os.unlink(%r), os._exit(9))\n        %s" % (marker, marker, READY))
        self.tool("die", "")
        lines = "".join(json.dumps(bundle.request(builds=1)) + "\n" for bundle in self.bundles)
        done = subprocess.run([sys.executable, "-I", "-c", support.BOOT], input=b"%d\n" % len(text.encode()) + text.encode() + lines.encode(),
                              env=self.environment, stdout=subprocess.PIPE, timeout=120)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([False, True, True, True], [answer["ok"] for answer in answers], answers)
        self.go()
        for bundle in self.bundles[1:]:
            self.wait(bundle, "done")
        self.ask(self.bundles[0])
        self.wait(self.bundles[0], "done")
        self.until(lambda: not self.processes_here(), "every process to end")
        self.assertEqual([], self.leftovers() + self.queue())

    def test_t72_a_full_disk_while_a_seat_is_passed_on(self):
        """The agent lives on, and must not keep the seat."""
        store, real = LIFTED.Store(self.store_path()), LIFTED.start_from_ticket
        seat = LIFTED.take_seat(store, 1)
        self.assertTrue(seat)

        def full(*_):
            raise LIFTED.Refusal("io", "no space left on device")
        LIFTED.start_from_ticket = full
        try:
            LIFTED.write_ticket(store, self.bundles[1].request(), 1)
            with self.assertRaises(LIFTED.Refusal):
                LIFTED.serve(store, seat)
        finally:
            LIFTED.start_from_ticket = real
        self.assertFalse(LIFTED.somebody_builds(store, 1))

    def test_a_ticket_of_another_release_is_written_again(self):
        answer = self.ask_all()[1]
        self.assertEqual("waiting", answer["state"])
        name, = [name for name in self.queue() if name.endswith(self.bundles[1].id)]
        path = self.store_path("queue", name)
        with open(path) as file:
            ticket = json.load(file)
        with open(path, "w") as file:
            json.dump(dict(ticket, signatures=[one["sha256"] for one in ticket["signatures"]]), file)
        self.go()
        self.wait(self.bundles[3], "done")
        self.until(lambda: self.state(self.bundles[1])["state"] == "stalled", "the queue to stand still")
        self.ask(self.bundles[1])
        self.wait(self.bundles[1], "done")


class Life(Turns):
    """For hosts that cannot see its process, a builder lives while it shows it."""

    def test_t72_a_builder_shows_it_whatever_it_waits_for(self):
        handle = self.ask_all()[0]
        self.assertEqual(2, len(os.listdir("/proc/%d/task" % handle["pid"])))  # one of the two only beats
        self.finish()

    def test_beating(self):
        path = os.path.join(self.scratch, "owner.json")
        open(path, "w").close()
        os.utime(path, (1, 1))
        before, LIFTED.held["bundle"] = LIFTED.held["bundle"], path
        try:
            threading.Thread(target=LIFTED.beat_on, daemon=True).start()
            self.until(lambda: os.stat(path).st_mtime > 1, "a sign of life")
        finally:
            LIFTED.held["bundle"] = before


class Between(Turns):
    def test_t81_a_build_that_begins_again_is_never_unknown(self):
        """While the state of a new attempt is written, the one of the attempt before is there."""
        self.behave("sys.exit(3)")
        self.good(self.bundles[0].request())
        self.wait(self.bundles[0], "failed")
        self.behave("")
        path = self.store_path("bundles", self.bundles[0].id, "state.json")
        caller, missed = self.start((json.dumps(self.bundles[0].request()) + "\n").encode()), 0
        caller.stdin.close()
        until = time.monotonic() + 60
        while caller.poll() is None and time.monotonic() < until:
            missed += not os.path.exists(path)
        caller.stdout.close()
        self.assertEqual((0, 0), (caller.returncode, missed))
        self.wait(self.bundles[0], "done")


if __name__ == "__main__":
    unittest.main()
