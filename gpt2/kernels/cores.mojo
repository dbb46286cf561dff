"""Work is cut into pieces; a core that is free takes the next.

A core that is late, since another program has it, takes fewer pieces, or none.  Nobody
waits for it:

    core 0   0   1   3   4   5   6   7   done
    core 1     2             another program
"""

from max.runtime.asyncrt import parallelism_level
from std.atomic import Atomic
from std.builtin._coroutine import (
    AnyCoroutine,
    Coroutine,
    _coro_destroy_fn,
    _coro_resume_fn,
)
from std.ffi import external_call
from std.memory.alloc import unsafe_alloc
from std.sys.info import num_physical_cores
from std.time import perf_counter_ns, sleep
from std.utils.numerics import FlushDenormals

comptime SMALL = 1 << 19  # multiplications for which no other core is woken
comptime PATIENCE = 200_000  # nanoseconds; a piece of a long prompt takes 100_000


# ANCHOR: spread
@always_inline
def spread[Work: def(Int) -> None](work: Work, pieces: Int, size: Int) raises:
    """Calls work(0) to work(pieces - 1), on all cores unless it is little.

    `size` is the number of multiplications in all.
    """
    if size < SMALL or pieces == 1:
        with FlushDenormals():
            for piece in range(pieces):
                work(piece)
        return
    var cores = min(pieces, num_physical_cores(), parallelism_level(None))
    var job = unsafe_alloc[Job[Work]](1)
    job.unsafe_write(Job(work, pieces, cores))
    for _ in range(cores - 1):
        start(help(job))
    job[].take()
    var begin = perf_counter_ns()
    while job[].left.load() > 0:  # pieces that others have begun
        if perf_counter_ns() - begin > PATIENCE:
            sleep(5e-5)  # leaves them the core
    leave(job)
    _ = work  # lives until all pieces are done


struct Job[Work: def(Int) -> None](Movable):
    """What cores know of the work.  The last that leaves frees it."""

    var work: Pointer[Self.Work, MutUntrackedOrigin]  # there while a piece is
    var pieces: Int
    var next: Atomic[Int64]
    var left: Atomic[Int64]  # pieces that are not done
    var cores: Atomic[Int64]  # that have not left

    def __init__(out self, work: Self.Work, pieces: Int, cores: Int):
        var address = Int(Pointer(to=work))
        self.work = Pointer[Self.Work, MutUntrackedOrigin](unsafe_from_address=address)
        self.pieces = pieces
        self.next = Atomic[Int64](0)
        self.left = Atomic[Int64](Int64(pieces))
        self.cores = Atomic[Int64](Int64(cores))

    def take(mut self, *, helps: Bool = False):
        """Does pieces until none is left."""
        with FlushDenormals():
            while self.next.load() < Int64(self.pieces):
                if helps:  # another program takes the core now, not in a piece
                    _ = external_call["sched_yield", Int32]()
                var piece = Int(self.next.fetch_add(1))
                if piece < self.pieces:
                    self.work[](piece)
                    _ = self.left.fetch_sub(1)
# ANCHOR_END: spread


__async def help[
    Work: def(Int) -> None
](job: Pointer[Job[Work], MutUntrackedOrigin]):
    """What another core does, whenever it comes."""
    job[].take(helps=True)
    leave(job)


def leave[Work: def(Int) -> None](job: Pointer[Job[Work], MutUntrackedOrigin]):
    """A core has nothing more to do with it."""
    if job[].cores.fetch_sub(1) == 1:
        job.unsafe_free()


def start(var task: Coroutine[...]):
    """Gives a task to MAX's threads, and does not wait for it.

    MAX's own `sync_parallelize` waits until each core has come.  So its queue is called
    directly, which no public function does.  It wants a function that captures nothing;
    a coroutine is how Mojo makes a task of one that does.
    """
    task._set_noop_callback()
    external_call["KGEN_CompilerRT_AsyncRT_Execute", NoneType](
        run, task^._take_handle(), -1
    )


def run(task: AnyCoroutine):
    _coro_resume_fn(task)
    _coro_destroy_fn(task)
