import { randomUUID } from 'node:crypto'
import { Context } from '@temporalio/activity'
import type { Blobs } from '../blobs/blobs.ts'
import type { BeginAttempt, BegunAttempt, SandboxActivities } from '../run/ports.ts'
import type { SandboxDriver } from '../sandbox/driver.ts'
import { withHeartbeat } from './heartbeat.ts'

export interface SandboxPorts {
  readonly driver: SandboxDriver
  readonly blobs: Blobs
  readonly beginAttempt: (run: string, args: BeginAttempt) => Promise<BegunAttempt>
}

/** Characters of output that whoever mends the code is shown. They are in the history: the whole output never is. */
const TAIL = 1_000

export function createSandboxActivities({ driver, blobs, beginAttempt }: SandboxPorts): SandboxActivities {
  return {
    async execute({ run, step, generation, code, language, connectors, timeoutMs }) {
      return await withHeartbeat(async () => {
        const source = Buffer.from(await blobs.get(code)).toString('utf8')
        const { socket } = await beginAttempt(run, { step, generation, attempt: randomUUID() })
        const done = await driver.run({
          language,
          code: source,
          hosts: connectors.map(({ host, port }) => ({ host, port })),
          socket,
          timeoutMs,
          labels: { run, step, generation: String(generation) },
          signal: Context.current().cancellationSignal,
        })
        const [stdout, stderr, result] = await Promise.all([
          blobs.put(done.stdout, 'text/plain'),
          blobs.put(done.stderr, 'text/plain'),
          done.result === null ? null : blobs.put(Buffer.from(done.result, 'utf8'), 'application/json'),
        ])
        const { kind, exitCode, durationMs } = done
        const well = kind === 'exited' && exitCode === 0
        const tail = well ? '' : [done.reason, endOf(done.stderr) || endOf(done.stdout)].filter(Boolean).join('\n')
        return { kind, exitCode, durationMs, stdout, stderr, tail, result }
      })
    },
  }
}

function endOf(output: Uint8Array): string {
  return Buffer.from(output).toString('utf8').trim().slice(-TAIL)
}
