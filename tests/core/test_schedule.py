"""Slots: aligned, never drifting, missed ones counted."""

from core.schedule import Schedule


def test_equal_and_multiple_intervals_fall_on_one_time():
    schedule = Schedule(100.0)
    for name, interval in [("cpu", 1.0), ("memory", 1.0), ("mounts", 5.0)]:
        schedule.add(name, interval, 100.0)
    assert schedule.next_at() == 101.0
    assert schedule.take(101.0) == [("cpu", 0), ("memory", 0)]
    for second in (102.0, 103.0, 104.0):
        schedule.take(second)
    assert schedule.next_at() == 105.0
    assert [name for name, _ in schedule.take(105.0)] == ["cpu", "memory", "mounts"]


def test_late_wake_ups_do_not_drift():
    schedule = Schedule(0.0)
    schedule.add("cpu", 1.0, 0.0)
    times = []
    for n in range(1, 1001):
        times.append(schedule.next_at())
        assert schedule.take(n + 0.3 * (n % 3)) == [("cpu", 0)]
    assert times == [float(n) for n in range(1, 1001)]


def test_missed_slots_are_counted_and_not_made_up():
    schedule = Schedule(0.0)
    schedule.add("cpu", 1.0, 0.0)
    assert schedule.take(4.5) == [("cpu", 3)]
    assert schedule.next_at() == 5.0


def test_a_timer_that_fires_a_little_early_takes_its_slot_once():
    schedule = Schedule(0.0)
    schedule.add("cpu", 0.1, 0.0)
    taken = 0
    for n in range(1, 101):
        taken += len(schedule.take(n * 0.1 - 0.0005))
    assert taken == 100


def test_nothing_is_due_before_its_time():
    schedule = Schedule(0.0)
    schedule.add("cpu", 1.0, 0.0)
    assert schedule.take(0.99) == []


def test_soon_makes_due_now_and_goes_on_in_the_old_rhythm():
    schedule = Schedule(0.0)
    schedule.add("mounts", 5.0, 0.0)
    schedule.soon("mounts", 7.2)
    assert schedule.next_at() <= 7.2
    assert schedule.take(7.2) == [("mounts", 0)]
    assert schedule.next_at() == 10.0


def test_another_interval_starts_with_its_next_slot():
    schedule = Schedule(0.0)
    schedule.add("cpu", 1.0, 0.0)
    schedule.add("cpu", 2.0, 3.4)
    assert schedule.next_at() == 4.0
