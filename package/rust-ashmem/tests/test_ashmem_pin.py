# SPDX-License-Identifier: GPL-2.0
"""Pin, unpin, pin status and purge: what is pinned stays, what was purged is zero and reported."""

MODULE = "rust_ashmem"


def test_pinned_from_the_start(ashmem):
    ashmem("""
        open r -> ok
        size r 4p -> ok
        map m r 4p rw shared -> ok
        status r 0 0 -> 1
        pin r 0 0 -> 0
        status r 0 0 -> 1
    """)


def test_status_tells_the_truth(ashmem):
    """1 where all of the range is pinned, 0 where a page of it is not. (Ancestors: EFAULT, 1.)"""
    ashmem("""
        open r -> ok
        size r 8p -> ok
        map m r 8p rw shared -> ok
        unpin r 2p 3p -> 0
        status r 0 0 -> 0
        status r 0 2p -> 1
        status r 1p 2p -> 0
        status r 2p 1p -> 0
        status r 4p 1p -> 0
        status r 5p 3p -> 1
        pin r 3p 1p -> 0
        status r 3p 1p -> 1
        status r 2p 2p -> 0
        status r 4p 1p -> 0
        purge r -> 2
        status r 2p 1p -> 0
        pin r 0 0 -> 1
        status r 0 0 -> 1
    """)


def test_purged_is_zero_and_reported_once(ashmem):
    ashmem("""
        open r -> ok
        size r 6p -> ok
        map m r 6p rw shared -> ok
        fill m 0 6p 5 -> ok
        unpin r 1p 2p -> 0
        unpin r 4p 1p -> 0
        purge r -> 3
        holds m 0 1p 5 -> yes
        holds m 1p 2p 0 -> yes
        holds m 3p 1p 5 -> yes
        holds m 4p 1p 0 -> yes
        holds m 5p 1p 5 -> yes
        pin r 0 1p -> 0
        pin r 1p 1p -> 1
        pin r 1p 1p -> 0
        pin r 3p 0 -> 1
        pin r 2p 1p -> 1
        status r 0 0 -> 1
        purge r -> 0
        holds m 3p 1p 5 -> yes
    """)


def test_unpinned_and_not_purged_is_kept(ashmem):
    ashmem("""
        open r -> ok
        size r 2p -> ok
        map m r 2p rw shared -> ok
        fill m 0 2p 6 -> ok
        unpin r 0 0 -> 0
        holds m 0 2p 6 -> yes
        pin r 0 0 -> 0
        drop -> ok
        holds m 0 2p 6 -> yes
    """)


def test_reading_what_was_unpinned(ashmem):
    """read(2) sees what mappings see."""
    ashmem("""
        open r -> ok
        size r 2p -> ok
        map m r 2p rw shared -> ok
        fill m 0 2p 6 -> ok
        unpin r 0 1p -> 0
        purge r -> 1
        read r 1 -> 1 0
        seek r data 0 -> 4096
        read r 1 -> 1 6
    """)


def test_unpinned_again_after_purge(ashmem):
    """The loss stays reported, and what was written meanwhile may be purged as well."""
    ashmem("""
        open r -> ok
        size r 3p -> ok
        map m r 3p rw shared -> ok
        fill m 0 3p 6 -> ok
        unpin r 0 2p -> 0
        purge r -> 2
        fill m 0 2p 7 -> ok
        unpin r 1p 2p -> 0
        purge r -> 2
        holds m 0 1p 7 -> yes
        holds m 1p 2p 0 -> yes
        pin r 2p 1p -> 1
        pin r 0 0 -> 1
        pin r 0 0 -> 0
    """)


def test_all_descriptors_see_one_state(ashmem):
    ashmem("""
        open r -> ok
        size r 2p -> ok
        map m r 2p rw shared -> ok
        dup d r -> ok
        unpin r 0 0 -> 0
        status d 0 0 -> 0
        fork
        pin d 0 1p -> 0
        end
        status r 0 1p -> 1
        status r 1p 0 -> 0
        purge d -> 1
        pin r 0 0 -> 1
    """)


def test_purge_is_of_every_region(ashmem):
    ashmem("""
        open r -> ok
        size r 2p -> ok
        map m r 2p rw shared -> ok
        open s -> ok
        size s 3p -> ok
        map n s 3p rw shared -> ok
        unpin r 0 0 -> 0
        unpin s 1p 0 -> 0
        open t -> ok
        purge t -> 4
        pin s 0 1p -> 0
        pin s 0 0 -> 1
        pin r 0 0 -> 1
    """)


def test_purge_needs_cap_sys_admin(ashmem):
    ashmem("""
        open r -> ok
        size r 1p -> ok
        map m r 1p rw shared -> ok
        unpin r 0 0 -> 0
        user 1000 -> ok
        purge r -> EPERM
        info r unpinned -> 1
        pin r 0 0 -> 0
    """)


def test_a_user_who_is_not_root(ashmem):
    ashmem("""
        user 1000 -> ok
        open r -> ok
        setname r mine -> ok
        size r 1p -> ok
        map m r 1p rw shared -> ok
        poke m 0 1 -> ok
        unpin r 0 0 -> 0
        pin r 0 0 -> 0
        prot r r -> ok
    """)


def test_unpinning_needs_write_access(ashmem):
    """Of the descriptor, and of the region: what was purged is lost to whoever reads it."""
    ashmem("""
        open r r -> ok
        size r 1p -> ok
        map m r 1p r shared -> ok
        unpin r 0 0 -> EBADF
        status r 0 0 -> 1
        pin r 0 0 -> 0
        open s -> ok
        size s 1p -> ok
        map n s 1p rw shared -> ok
        prot s r -> ok
        unpin s 0 0 -> EPERM
        status s 0 0 -> 1
        pin s 0 0 -> 0
    """)


def test_unpinning_by_readers_where_asked_for(module, probe):
    """The C driver's rule."""
    module.load("readers_may_unpin=1")
    probe("""
        open r r -> ok
        size r 1p -> ok
        map m r 1p r shared -> ok
        unpin r 0 0 -> 0
        status r 0 0 -> 0
        prot r r -> ok
        unpin r 0 0 -> 0
    """)


def test_dropping_caches_purges(ashmem):
    """The shrinker gives back all that is unpinned."""
    ashmem("""
        open r -> ok
        size r 300p -> ok
        map m r 300p rw shared -> ok
        fill m 0 300p 1 -> ok
        unpin r 10p 280p -> 0
        drop -> ok
        info r unpinned -> 0
        info r purged -> 280
        holds m 0 10p 1 -> yes
        holds m 10p 280p 0 -> yes
        holds m 290p 10p 1 -> yes
        pin r 0 0 -> 1
    """)


def test_oldest_first_across_regions(ashmem):
    """The shrinker alone, asked for 350 pages: four ranges of 100, in the order of unpinning."""
    ashmem("""
        open a -> ok
        open b -> ok
        size a 400p -> ok
        size b 400p -> ok
        map m a 400p rw shared -> ok
        map n b 400p rw shared -> ok
        fill m 0 400p 1 -> ok
        fill n 0 400p 1 -> ok
        unpin b 300p 100p -> 0
        unpin a 200p 100p -> 0
        unpin b 100p 100p -> 0
        unpin a 0 100p -> 0
        unpin b 0 100p -> 0
        shrink 350 -> ok
        info a purged -> 200
        info b purged -> 200
        holds n 300p 100p 0 -> yes
        holds m 200p 100p 0 -> yes
        holds n 100p 100p 0 -> yes
        holds m 0 100p 0 -> yes
        holds n 0 100p 1 -> yes
        shrink 1 -> ok
        holds n 0 100p 0 -> yes
        info a unpinned -> 0
        info b unpinned -> 0
    """)


def test_memory_pressure_takes_the_oldest_and_reports_it(ashmem, answers):
    """Real pressure: memory is filled until the kernel takes pages. What it takes is reported.

    Forty ranges of 100 pages are unpinned in an order that is not that of their places, in two
    regions. Whatever number of a region's ranges is gone then, it is its oldest ones. Between
    regions that holds only as long as nobody uses one: reclaim passes over a region in use, and
    several CPUs reclaim at once. test_oldest_first_across_regions has it without them.

    Each range is pinned before it is looked at, the youngest first: reclaim may be at work still.
    """
    order = [(index * 7) % 20 for index in range(20)]
    commands = []
    for region in "ab":
        commands += [f"open {region}", f"size {region} 4000p"]
        commands += [f"map m{region} {region} 4000p rw shared", f"fill m{region} 0 4000p 1"]
    for place in order:
        commands += [f"unpin {region} {place * 200}p 100p" for region in "ab"]
    commands.append("pressure a")
    checks = [
        f"{command} {place * 200 + half}p 100p{value}"
        for region in "ab"
        for place in reversed(order)
        for half, byte in ((0, 0), (100, 1))  # the unpinned half of 200 pages, the pinned one
        for command, value in ((f"pin {region}", ""), (f"holds m{region}", f" {byte}"))
    ]
    said = answers(commands + checks, timeout=300)
    states = said[len(commands) :]
    assert len(states) == len(checks)
    unpinned = list(zip(states[0::4], states[1::4], strict=True))[::-1]
    pinned = set(zip(states[2::4], states[3::4], strict=True))
    assert pinned == {("0", "yes")}
    lost, kept = ("1", "yes"), ("0", "1 at 0")
    assert unpinned[20] == lost, "the region under watch lost pages, and not its oldest"
    for states in unpinned[:20], unpinned[20:]:
        count = states.count(lost)
        assert states == [lost] * count + [kept] * (20 - count)


def test_model(ashmem, shell, rounds):
    """Random operations on the device beside a model of every page."""
    operations = rounds(100_000, 3_000_000)
    said = shell.run_check(f"ashmem-probe model 1 {operations}", timeout=operations // 100)
    assert said == [f"{operations} operations, all as the model has it"]
