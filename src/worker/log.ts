import { type Logger, makeTelemetryFilterString, Runtime } from '@temporalio/worker'
import { type Logger as Pino, pino } from 'pino'

/** Process-wide: JSON lines on standard error. Never request texts, bodies or credentials: only ids, names and errors. */
export function createLog(level: string): Pino {
  return pino({ level, base: { pid: process.pid } }, pino.destination({ dest: 2, sync: false }))
}

let installed = false

/** Sends what the Temporal SDK says through the same log. Once a process: the SDK allows no second time. */
export function installTemporalLog(log: Pino): void {
  if (installed) return
  installed = true
  const write: Logger['log'] = (level, message, meta) => {
    const method = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const
    log[method[level]]({ temporal: meta?.['sdkComponent'], error: toText(meta?.['error']) }, message)
  }
  const logger: Logger = {
    log: write,
    trace: (message, meta) => write('TRACE', message, meta),
    debug: (message, meta) => write('DEBUG', message, meta),
    info: (message, meta) => write('INFO', message, meta),
    warn: (message, meta) => write('WARN', message, meta),
    error: (message, meta) => write('ERROR', message, meta),
  }
  Runtime.install({
    logger,
    // We end the workers ourselves, in order: egress last, so that effects under way get their outcome.
    shutdownSignals: [],
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) } },
  })
}

function toText(error: unknown): string | undefined {
  return error instanceof Error ? error.message : undefined
}
