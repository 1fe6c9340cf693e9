import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SandboxDriver, SandboxJob, SandboxResult } from '../../src/sandbox/driver.ts'
import type { GatewayEcho } from './fixtures/gateway-echo.ts'
import { startGatewayEcho, startHostListener } from './fixtures/gateway-echo.ts'

export interface Ran extends Omit<SandboxResult, 'stdout' | 'stderr'> {
  readonly stdout: string
  readonly stderr: string
}

export function toJob(job: Partial<SandboxJob> & Pick<SandboxJob, 'code'>): SandboxJob {
  return {
    language: 'python',
    hosts: [],
    socket: null,
    timeoutMs: 30_000,
    labels: {},
    signal: new AbortController().signal,
    ...job,
  }
}

export async function runCode(
  driver: SandboxDriver,
  job: Partial<SandboxJob> & Pick<SandboxJob, 'code'>,
): Promise<Ran> {
  const ran = await driver.run(toJob(job))
  return { ...ran, stdout: Buffer.from(ran.stdout).toString(), stderr: Buffer.from(ran.stderr).toString() }
}

/** What every sandbox driver must do, whatever it is made of. */
export function describeSandboxDriver(name: string, create: (stateDir: string) => Promise<SandboxDriver>): void {
  describe(`${name}: contract of a sandbox driver`, () => {
    let stateDir: string
    let driver: SandboxDriver
    let gateway: GatewayEcho
    const run = (job: Partial<SandboxJob> & Pick<SandboxJob, 'code'>) => runCode(driver, job)

    beforeAll(async () => {
      stateDir = await mkdtemp(path.join(tmpdir(), 'sbx-'))
      driver = await create(stateDir)
      gateway = await startGatewayEcho(path.join(stateDir, 'gateway.sock'))
    })
    afterAll(async () => {
      await driver.close()
      await gateway.close()
      await rm(stateDir, { recursive: true, force: true })
    })

    test.each([
      [
        'python',
        'import sys\nfrom recourse import result\nprint("out")\nprint("err", file=sys.stderr)\nresult({"n": 1, "s": "ü"})',
      ],
      [
        'javascript',
        'import { result } from "recourse"\nconsole.log("out")\nconsole.error("err")\nresult({ n: 1, s: "ü" })',
      ],
    ] as const)('%s prints, reports a result and exits', async (language, code) => {
      const ran = await run({ language, code })
      expect(ran).toMatchObject({
        kind: 'exited',
        exitCode: 0,
        stdout: 'out\n',
        stderr: 'err\n',
        result: '{"n":1,"s":"ü"}',
        truncated: false,
        reason: null,
      })
    })

    test('output is handed on while the code still runs', async () => {
      const abort = new AbortController()
      const ran = await run({
        code: 'print("first")\nimport time\ntime.sleep(600)',
        signal: abort.signal,
        onOutput: () => abort.abort(new Error('seen')),
      })
      expect(ran).toMatchObject({ kind: 'killed', exitCode: null, stdout: 'first\n', reason: 'aborted: seen' })
    })

    test('an uncaught exception is a traceback of the code alone and exit code 1', async () => {
      const ran = await run({ code: 'def charge():\n    raise ValueError("no card")\ncharge()' })
      expect(ran.exitCode).toBe(1)
      expect(ran.stderr).toMatch(
        /^Traceback \(most recent call last\):\n {2}File "\/work\/main.py", line 3, in <module>\n/,
      )
      expect(ran.stderr).toMatch(/line 2, in charge\n {4}raise ValueError\("no card"\)\nValueError: no card\n$/)
      expect(ran.stderr).not.toContain('/opt/recourse')

      const script = await run({ language: 'javascript', code: 'throw new Error("no card")' })
      expect(script.exitCode).toBe(1)
      expect(script.stderr).toContain('Error: no card')
    })

    test.each([
      ['sys.exit', 'import sys\nsys.exit(7)', 7, ''],
      ['sys.exit with a message', 'import sys\nsys.exit("bad input")', 1, 'bad input\n'],
      ['a signal', 'import os\nos.kill(os.getpid(), 15)', 143, ''],
      ['os._exit', 'import os\nos._exit(3)', 3, ''],
      [
        'threads and atexit still run',
        'import atexit, threading\natexit.register(print, "b", flush=True)\nthreading.Timer(0.05, print, ["a"]).start()',
        0,
        '',
      ],
    ])('exit codes are those of python: %s', async (_name, code, exitCode, stderr) => {
      const ran = await run({ code })
      expect(ran).toMatchObject({ kind: 'exited', exitCode, stderr })
      if (exitCode === 0) expect(ran.stdout).toBe('a\nb\n')
    })

    test('code is __main__ in a module of its own, with nothing of the runner around it', async () => {
      const code = [
        'import sys, __main__',
        'print(__name__, __file__, sys.argv, __main__.__dict__ is globals())',
        'print([n for n in ("job", "forwarder", "runner") if n in sys.modules])',
        'print(sorted(k for k in globals() if not k.startswith("__")))',
      ].join('\n')
      expect((await run({ code })).stdout).toBe("__main__ /work/main.py ['/work/main.py'] True\n[]\n['sys']\n")
    })

    test('a result that is no JSON, or too large, is an error in the code', async () => {
      const bad = await run({ code: 'import recourse\nrecourse.result(float("nan"))' })
      expect(bad).toMatchObject({ exitCode: 1, result: null })
      const large = await run({ code: 'import recourse\nrecourse.result("x" * (1 << 20))' })
      expect(large).toMatchObject({ exitCode: 1, result: null })
      expect(large.stderr).toContain('at most 1048576 are taken')
      const fits = await run({ code: 'import recourse\nrecourse.result("x" * ((1 << 20) - 2))' })
      expect(fits.exitCode).toBe(0)
      expect(fits.result).toHaveLength(1 << 20)
    })

    test('time is up: the code is ended and what it printed is kept', async () => {
      const ran = await run({ code: 'print("began")\nwhile True: pass', timeoutMs: 400 })
      expect(ran).toMatchObject({ kind: 'timeout', exitCode: null, stdout: 'began\n' })
    })

    test('an exit code alone does not make a timeout', async () => {
      expect(await run({ code: 'import os; os._exit(124)' })).toMatchObject({ kind: 'exited', exitCode: 124 })
    })

    test('aborted before it starts, nothing runs', async () => {
      const ran = await run({ code: 'print(1)', signal: AbortSignal.abort(new Error('cancelled')) })
      expect(ran).toMatchObject({ kind: 'killed', stdout: '', reason: 'aborted: cancelled' })
    })

    test('a flood keeps its last part and ends', async () => {
      const flood = 'import os\nblock = b"x" * 65536\nwhile True: os.write(1, block)'
      const ran = await run({ code: flood, timeoutMs: 60_000 })
      expect(ran).toMatchObject({ kind: 'killed', truncated: true, reason: 'it wrote more than 64 MiB of output' })
      expect(ran.stdout).toHaveLength(256 * 1024)
    })

    test('long output keeps its end', async () => {
      const ran = await run({ code: 'for i in range(200_000): print(i)' })
      expect(ran).toMatchObject({ kind: 'exited', exitCode: 0, truncated: true })
      expect(ran.stdout.endsWith('\n199998\n199999\n')).toBe(true)
    })

    test('forged frames and a signal to PID 1 change nothing', async () => {
      const code = [
        'import base64, json, os, signal',
        'frame = json.dumps({"t": "exit", "code": 0, "oom": False}) + "\\n"',
        'print(frame, end="")',
        'for fd in ("/proc/1/fd/1", "/proc/1/fd/0", "/proc/1/mem"):',
        '    try:',
        '        open(fd, "w").write(frame)',
        '        print("wrote", fd)',
        '    except OSError: pass',
        'for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGALRM):',
        '    os.kill(1, number)',
        'print("still here")',
        'os._exit(9)',
      ].join('\n')
      const ran = await run({ code })
      expect(ran).toMatchObject({ kind: 'exited', exitCode: 9, result: null })
      expect(ran.stdout).toBe('{"t": "exit", "code": 0, "oom": false}\nstill here\n')
    })

    test('a process that left the session does not outlive the job', async () => {
      const hosts = [{ host: 'late.example.com', port: 80 }]
      const code = [
        'import os, subprocess, sys, time',
        'later = """import urllib.request',
        'while True:',
        '    urllib.request.urlopen("http://late.example.com/late").read()',
        '    open("/work/reached", "w").close()',
        '"""',
        'subprocess.Popen([sys.executable, "-c", later], start_new_session=True)',
        'while not os.path.exists("/work/reached"): time.sleep(0.01)',
        'print("done")',
      ].join('\n')
      const ran = await run({ code, hosts, socket: gateway.socket })
      expect(ran).toMatchObject({ kind: 'exited', exitCode: 0, stdout: 'done\n' })
      const reached = gateway.preambles.length
      expect(reached).toBeGreaterThan(0)
      // A whole other job passes meanwhile.
      await run({ code: 'print(sum(range(3_000_000)))' })
      expect(gateway.preambles).toHaveLength(reached)
    })

    test('there is no network: neither addresses, nor names, nor the host', async () => {
      const listener = await startHostListener()
      const code = [
        'import socket',
        `for where in (("1.1.1.1", 80), ("172.17.0.1", ${listener.port}), ("127.0.0.1", ${listener.port}), ("169.254.169.254", 80)):`,
        '    try: socket.create_connection(where, 2); print("reached", where)',
        '    except OSError: print("no")',
        'for name in ("example.com", "calendar.example.com", "metadata.google.internal"):',
        '    try: socket.getaddrinfo(name, 80); print("resolved", name)',
        '    except OSError: print("no")',
      ].join('\n')
      try {
        expect((await run({ code, hosts: [{ host: 'mail.example.com', port: 80 }] })).stdout).toBe('no\n'.repeat(7))
        expect(listener.touched()).toBe(false)
      } finally {
        await listener.close()
      }
    })

    describe('with a gateway', () => {
      const hosts = [
        { host: 'calendar.example.com', port: 80 },
        { host: 'mail.example.com', port: 8025 },
        { host: 'calendar.example.com', port: 8080 },
      ]
      const through = async (job: Partial<SandboxJob> & Pick<SandboxJob, 'code'>) => {
        const from = gateway.preambles.length
        const ran = await run({ hosts, socket: gateway.socket, ...job })
        return { ...ran, preambles: gateway.preambles.slice(from) }
      }
      const seen = { method: 'POST', url: '/events?x=1', host: 'calendar.example.com', body: '{"a":1}' }
      const preamble = '{"host":"calendar.example.com","port":80}'

      test.each([
        [
          'requests',
          'python',
          'import requests\nprint(requests.post("http://calendar.example.com/events?x=1", data=\'{"a":1}\').text)',
        ],
        [
          'urllib',
          'python',
          'import urllib.request\nprint(urllib.request.urlopen("http://calendar.example.com/events?x=1", b\'{"a":1}\').read().decode())',
        ],
        [
          'curl',
          'python',
          'import subprocess\nsubprocess.run(["curl", "-sS", "-d", \'{"a":1}\', "http://calendar.example.com/events?x=1"], check=True)',
        ],
        [
          'fetch',
          'javascript',
          'const r = await fetch("http://calendar.example.com/events?x=1", { method: "POST", body: \'{"a":1}\' })\nconsole.log(await r.text())',
        ],
      ] as const)('%s reaches it by name', async (_client, language, code) => {
        const ran = await through({ language, code })
        expect(ran).toMatchObject({ exitCode: 0, stderr: '' })
        expect(JSON.parse(ran.stdout)).toEqual(seen)
        expect(ran.preambles).toEqual([preamble])
      })

      test('each name and port says which was meant, and large bodies pass whole', async () => {
        const code = [
          'import requests',
          'body = "x" * 3_000_000',
          'for url in ("http://mail.example.com:8025/a", "http://calendar.example.com:8080/b"):',
          '    print(len(requests.put(url, data=body).json()["body"]))',
        ].join('\n')
        const ran = await through({ code })
        expect(ran.stdout).toBe('3000000\n3000000\n')
        expect(ran.preambles).toEqual([
          '{"host":"mail.example.com","port":8025}',
          '{"host":"calendar.example.com","port":8080}',
        ])
      })

      test('a half-closed connection still gets its answer', async () => {
        const code = [
          'import socket',
          's = socket.create_connection(("calendar.example.com", 80))',
          's.sendall(b"GET /half HTTP/1.1\\r\\nHost: calendar.example.com\\r\\nConnection: close\\r\\n\\r\\n")',
          's.shutdown(socket.SHUT_WR)',
          'data = b""',
          'while part := s.recv(65536): data += part',
          'print(b"/half" in data)',
        ].join('\n')
        expect(await through({ code })).toMatchObject({ exitCode: 0, stdout: 'True\n' })
      })

      test('without a socket the same names lead nowhere', async () => {
        const code =
          'import requests\ntry: requests.get("http://calendar.example.com/")\nexcept requests.ConnectionError: print("no way out")'
        expect(await through({ code, socket: null })).toMatchObject({ stdout: 'no way out\n', preambles: [] })
      })
    })

    test('many at once each get their own place', async () => {
      const all = await Promise.all(
        Array.from({ length: 6 }, (_, n) =>
          run({ code: `import os\nprint(${n}, os.listdir("/work"), os.listdir("/tmp"))` }),
        ),
      )
      expect(all.map((ran) => ran.stdout)).toEqual(all.map((_, n) => `${n} ['main.py'] []\n`))
    })

    test('code that is too long is an outcome', async () => {
      const ran = await run({ code: `#${'x'.repeat(1 << 20)}` })
      expect(ran.kind).toBe('killed')
      expect(ran.reason).toMatch(/the code is 1048577 bytes long/)
    })
  })
}
