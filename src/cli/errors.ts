import { EXIT } from './exit-codes.ts'

/** The command line, or a file it names, cannot be used. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** What `--json` says of an error. `code` is stable. */
export interface ShownError {
  readonly code: string
  readonly message: string
}

/** By name, so that showing an error loads none of the parts that may throw it. */
export const KNOWN_ERRORS: Readonly<Record<string, { code: string; exit: number }>> = {
  UsageError: { code: 'USAGE', exit: EXIT.usage },
  ConfigError: { code: 'INVALID_CONFIG', exit: EXIT.failed },
  UntrustedConfig: { code: 'UNTRUSTED_CONFIG', exit: EXIT.failed },
  SetupProblem: { code: 'SETUP', exit: EXIT.failed },
  OpenApiError: { code: 'INVALID_OPENAPI', exit: EXIT.usage },
  ScriptError: { code: 'INVALID_SCRIPT', exit: EXIT.usage },
}
const USAGE_CODES: readonly string[] = ['INVALID_REQUEST', 'INVALID_ID']

/** How any error is shown, and the exit code it gives. */
export function showError(error: unknown): ShownError & { readonly exit: number } {
  if (!(error instanceof Error)) return { code: 'ERROR', message: String(error), exit: EXIT.failed }
  const known = KNOWN_ERRORS[error.name]
  if (known) return { code: known.code, message: error.message, exit: known.exit }
  if (error.name === 'RecourseError' && 'code' in error && typeof error.code === 'string') {
    const exit = USAGE_CODES.includes(error.code) ? EXIT.usage : EXIT.failed
    return { code: error.code, message: error.message, exit }
  }
  return { code: 'ERROR', message: error.message, exit: EXIT.failed }
}
