"""What the forked child does: it takes its place, then becomes the job, as if python or node had been started with it."""

import builtins
import os
import signal
import sys
import types

WORK = '/work'
# Also in PYTHONPATH, for the pythons that a job starts.
HELPERS = '/opt/recourse/python'
RESULT_FD = 3


def settle_in(out, err, result):
    """Own session, own standard streams, the result pipe at its fixed number, nothing else of PID 1's."""
    os.setsid()
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.dup2(result, RESULT_FD, inheritable=False)
    os.closerange(RESULT_FD + 1, os.sysconf('SC_OPEN_MAX'))
    # When memory runs out the kernel takes the job, not PID 1, which then can say so.
    with open('/proc/self/oom_score_adj', 'w') as file:
        file.write('1000')
    os.chdir(WORK)


def become(job):
    if job['language'] == 'javascript':
        become_node(job['code'])
    else:
        become_python(job['code'])


def write_source(name, code):
    path = os.path.join(WORK, name)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(code)
    return path


def become_node(code):
    path = write_source('main.mjs', code)
    os.set_inheritable(RESULT_FD, True)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execv('/usr/bin/node', ['node', '--no-warnings', path])


def become_python(code):
    path = write_source('main.py', code)
    runner = sys.modules['__main__']  # noqa: F841 kept alive: its functions are on the stack
    sys.path[:] = [WORK, HELPERS, *(entry for entry in sys.path if entry != '/opt/recourse')]
    sys.argv = [path]
    for name in ('job', 'forwarder'):
        sys.modules.pop(name, None)
    main = types.ModuleType('__main__')
    main.__dict__.update(__file__=path, __builtins__=builtins, __spec__=None)
    sys.modules['__main__'] = main
    # Lines show as they are printed, though stdout is a pipe.
    sys.stdout.reconfigure(line_buffering=True)
    try:
        exec(compile(code, path, 'exec', dont_inherit=True), main.__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        # Without the frame of this function, so that the traceback reads as python's own.
        trace = error.__traceback__.tb_next
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        raise SystemExit(130 if isinstance(error, KeyboardInterrupt) else 1) from None
