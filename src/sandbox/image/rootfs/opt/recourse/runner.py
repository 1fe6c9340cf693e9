"""PID 1 of a sandbox container.

Life: harden, start the forwarder, preload, say `ready`, block on stdin for one job (a line of JSON), fork the child that
becomes the job, wrap its output in frames (a line of JSON each) on stdout, exit with the job's exit code. The kernel then
ends everything else in the container.

Nothing here is a wall: the wall is the container, and the host takes every frame as untrusted.
"""

import base64
import ctypes
import json
import os
import selectors
import signal
import sys
import time

# Isolated mode leaves the script's own folder out of the path.
sys.path.insert(0, '/opt/recourse')
import forwarder  # noqa: E402
import job as jobs  # noqa: E402

MAX_JOB_BYTES = 8 << 20
MAX_RESULT_BYTES = 1 << 20
CHUNK = 64 << 10
# Frames a second beyond which output is gathered before it is framed, so that a flood of tiny writes stays cheap.
BRISK_FRAMES = 200
EXIT_TIMEOUT = 124
EXIT_ABANDONED = 125
PR_SET_DUMPABLE = 4


def emit(frame):
    """Writes one frame whole; blocks while the host does not read."""
    line = memoryview(json.dumps(frame, separators=(',', ':')).encode() + b'\n')
    while line:
        line = line[os.write(1, line) :]


def emit_bytes(kind, data):
    emit({'t': kind, 'd': base64.b64encode(data).decode()})


def set_dumpable(value):
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, value, 0, 0, 0)


def preload():
    """Imports what jobs commonly use, so that the forked child finds it in memory."""
    import collections, csv, datetime, decimal, email.message, functools, hashlib, http.client, itertools  # noqa: E401, F401
    import math, pathlib, random, re, smtplib, string, subprocess, tempfile, traceback, typing, uuid  # noqa: E401, F401
    import urllib.parse, urllib.request  # noqa: E401, F401

    try:
        import requests

        # The first session builds adapters and parses the trust store's path: better now than inside the job.
        requests.Session().close()
    except ImportError:
        pass
    import gc

    gc.collect()
    gc.freeze()


def read_job():
    """One line of JSON from stdin; None when the host went away before sending one."""
    line = bytearray()
    while not line.endswith(b'\n'):
        part = os.read(0, CHUNK)
        if not part:
            return None
        line += part
        if len(line) > MAX_JOB_BYTES:
            raise SystemExit('recourse: the job frame is larger than %d bytes' % MAX_JOB_BYTES)
    return json.loads(line)


class Supervisor:
    """Watches one child: its output, its result, its end, the clock and the host."""

    def __init__(self, timeout):
        self.deadline = time.monotonic() + timeout
        self.status = None
        self.result = bytearray()
        self.frames = 0
        self.window = time.monotonic()
        self.selector = selectors.DefaultSelector()

    def watch(self, fd, kind):
        os.set_blocking(fd, False)
        self.selector.register(fd, selectors.EVENT_READ, kind)

    def run(self, child):
        """Returns the exit code for the container."""
        while self.status is None:
            left = self.deadline - time.monotonic()
            if left <= 0:
                self.end_all()
                self.drain()
                emit({'t': 'exit', 'code': EXIT_TIMEOUT, 'oom': False})
                return EXIT_TIMEOUT
            for key, _ in self.selector.select(left):
                if key.data == 'host':
                    if not os.read(key.fd, CHUNK):
                        self.end_all()
                        return EXIT_ABANDONED
                elif key.data == 'signal':
                    os.read(key.fd, CHUNK)
                    self.reap(child)
                else:
                    self.pump(key)
        self.drain()
        code = os.waitstatus_to_exitcode(self.status)
        code = code if code >= 0 else 128 - code
        emit({'t': 'exit', 'code': code, 'oom': was_out_of_memory()})
        return code

    def reap(self, child):
        # As PID 1 it inherits orphans; unreaped they would use up the pids limit.
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == child:
                self.status = status

    def pump(self, key):
        """Moves what is there; False when there is nothing, now or ever."""
        try:
            data = os.read(key.fd, CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self.selector.unregister(key.fd)
            return False
        if key.data == 'result':
            self.take_result(data)
        else:
            emit_bytes(key.data, data)
            self.pace()
        return True

    def pace(self):
        self.frames += 1
        if self.frames < BRISK_FRAMES:
            return
        now = time.monotonic()
        if now - self.window < 1:
            time.sleep(0.005)
        else:
            self.frames, self.window = 0, now

    def take_result(self, data):
        self.result += data
        while (end := self.result.find(b'\n')) >= 0:
            line = bytes(self.result[:end])
            del self.result[: end + 1]
            if len(line) <= MAX_RESULT_BYTES:
                emit_bytes('result', line)
        if len(self.result) > MAX_RESULT_BYTES:
            self.result.clear()

    def drain(self):
        """What was written before the child ended. Bounded: its orphans may write for ever."""
        for key in list(self.selector.get_map().values()):
            if key.data in ('out', 'err', 'result'):
                for _ in range(32):
                    if not self.pump(key):
                        break

    def end_all(self):
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            pass


def was_out_of_memory():
    """The kernel's own count of processes it ended in this container, cgroup v1 or v2."""
    for path in ('/sys/fs/cgroup/memory/memory.oom_control', '/sys/fs/cgroup/memory.events'):
        try:
            with open(path) as file:
                fields = dict(line.split() for line in file)
            return int(fields.get('oom_kill', 0)) > 0
        except (OSError, ValueError):
            continue
    return False


def main():
    """Returns the job for the child to become; the supervising process itself never returns."""
    hosts = json.loads(sys.argv[1])
    # Python would raise KeyboardInterrupt here whenever the job asks for it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Not dumpable: /proc/1/fd and /proc/1/mem belong to root, so a job can not write frames by itself.
    set_dumpable(0)
    if hosts:
        forwarder.start(hosts)
    preload()
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    emit({'t': 'ready'})

    job = read_job()
    if job is None:
        os._exit(0)
    emit({'t': 'begun'})
    timeout = job['timeoutMs'] / 1000
    supervisor = Supervisor(timeout)
    # Should PID 1 be stuck writing to a host that does not read, this still ends the container. A job may send the signal
    # too, so the clock decides.
    signal.signal(signal.SIGALRM, lambda *_: time.monotonic() >= supervisor.deadline and os._exit(EXIT_TIMEOUT))
    signal.setitimer(signal.ITIMER_REAL, timeout + 0.5)

    pipes = {kind: os.pipe() for kind in ('out', 'err', 'result')}
    child = os.fork()
    if child == 0:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGALRM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        set_dumpable(1)
        jobs.settle_in(
            out=pipes['out'][1],
            err=pipes['err'][1],
            result=pipes['result'][1],
        )
        return job

    for kind, (read, write) in pipes.items():
        os.close(write)
        supervisor.watch(read, kind)
    supervisor.watch(wake_read, 'signal')
    supervisor.watch(0, 'host')
    os._exit(supervisor.run(child))


if __name__ == '__main__':
    jobs.become(main())
