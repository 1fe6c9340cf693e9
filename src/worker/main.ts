import { readEnvironment } from '../config/environment.ts'
import { loadConfig } from '../config/load.ts'
import { createLog } from './log.ts'
import { startWorker, type WorkerSettings } from './worker.ts'

export interface RunWorkerOptions extends Pick<
  WorkerSettings,
  'temporal' | 'stateDir' | 'image' | 'taskQueue' | 'roles'
> {
  /** Absolute path of the config file. Running it must have been agreed to before. */
  readonly configPath: string
  readonly logLevel?: string
  /** Ends the worker in order. */
  readonly signal: AbortSignal
  /** Called when every role polls. */
  readonly onReady?: () => void
}

/** Runs a worker from a config file until `signal`. @throws as `loadConfig` and `startWorker` do. */
export async function runWorker(options: RunWorkerOptions): Promise<void> {
  const { configPath, logLevel = 'info', signal, onReady, ...settings } = options
  const environment = readEnvironment()
  const worker = await startWorker({
    ...settings,
    config: await loadConfig(configPath),
    resolveSecret: (name) => environment.lookup(name),
    log: createLog(logLevel),
  })
  const stop = () => void worker.stop().catch(() => undefined)
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  onReady?.()
  try {
    await worker.done
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
