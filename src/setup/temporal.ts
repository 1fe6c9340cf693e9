import { Connection } from '@temporalio/client'
import { SetupProblem } from './problem.ts'
import type { ProcessMark } from './processes.ts'
import type { Progress } from './progress.ts'
import { ensureSearchAttributes } from './search-attributes.ts'
import { cachedBinary, findTemporal, readPins } from './temporal-binary.ts'
import { buildTemporal } from './temporal-build.ts'
import { downloadTemporal } from './temporal-download.ts'
import { startServer, type ServerOptions } from './temporal-server.ts'

export interface TemporalOptions extends Omit<ServerOptions, 'command'> {
  /** A server to use as it is, `host:port`; null: start one of our own. */
  readonly address: string | null
  /** Address of the Web UI of the server at `address`, where known. */
  readonly uiUrl?: string | null
  readonly cacheDirectory: string
  readonly progress: Progress
}

export interface RunningTemporal {
  readonly address: string
  readonly namespace: string
  /** null: nobody said where the Web UI is. */
  readonly uiUrl: string | null
  /** True: started here; `stop` ends it. */
  readonly owned: boolean
  /** The server's process when it is ours. */
  readonly server: ProcessMark | null
  /** Ends the server if it is ours; else does nothing. */
  stop(): Promise<void>
}

const WHY = 'every run is a Temporal workflow'

/**
 * A Temporal server that serves the namespace, with our search attributes registered: the one at the given address, else
 * one of our own from `temporal` on PATH, our cache, the official download, or built with Go, whichever comes first.
 * @throws SetupProblem when there is none and none can be had.
 */
export async function ensureTemporal(options: TemporalOptions): Promise<RunningTemporal> {
  const { address, namespace, progress } = options
  if (address !== null) {
    await checkForeign(address, namespace)
    return { address, namespace, uiUrl: options.uiUrl ?? null, owned: false, server: null, stop: async () => undefined }
  }
  const command = await ensureTemporalBinary(options.cacheDirectory, progress)
  const { mark, ...server } = await progress.stage('Starting Temporal', { estimateSeconds: 4 }, () =>
    startServer({ ...options, command }),
  )
  return { ...server, namespace, owned: true, server: mark }
}

/** Command of a `temporal` on this machine; gets one first where there is none. @throws SetupProblem */
export async function ensureTemporalBinary(cacheDirectory: string, progress: Progress): Promise<string> {
  const found = await findTemporal(cacheDirectory)
  if (found !== null) return found.command
  const [target, pins] = [await cachedBinary(cacheDirectory), await readPins()]
  const reasons = [`download: ${(await downloadTemporal(target, pins.cli, progress)) ?? 'done'}`]
  if (reasons[0] !== 'download: done') {
    const reason = await buildTemporal(target, progress).catch((error: unknown) => String(error))
    if (reason !== null) {
      reasons.push(`build: ${reason}`)
      throw new SetupProblem({
        missing: `There is no Temporal server here, and none could be had (${reasons.join('; ')})`,
        why: WHY,
        fix: [
          `install Go ${pins.go} or later (https://go.dev/dl) or the Temporal CLI (https://docs.temporal.io/cli), then run this again`,
          'or name a server that runs: export TEMPORAL_ADDRESS=host:port',
        ].join('\n'),
      })
    }
  }
  const installed = await findTemporal(cacheDirectory)
  if (installed === null) throw new Error(`${target} was installed but does not run on this machine`)
  return installed.command
}

async function checkForeign(address: string, namespace: string): Promise<void> {
  let connection: Connection
  try {
    connection = await Connection.connect({ address, connectTimeout: 5000 })
  } catch (cause) {
    throw new SetupProblem({
      missing: `No Temporal server answers at ${address} (from TEMPORAL_ADDRESS)`,
      why: WHY,
      fix: 'start that server, or let Recourse start one of its own: unset TEMPORAL_ADDRESS',
      cause,
    })
  }
  try {
    await connection.workflowService.describeNamespace({ namespace }).catch((cause: unknown) => {
      throw new SetupProblem({
        missing: `The Temporal server at ${address} has no namespace ${namespace}, or does not show it to us`,
        why: WHY,
        fix: `temporal operator namespace create --address ${address} --namespace ${namespace}`,
        cause,
      })
    })
    await ensureSearchAttributes(connection, namespace)
  } finally {
    await connection.close()
  }
}
