/** Something this machine lacks and that could not be put in place. Shown as one message; the command exits with 1. */
export class SetupProblem extends Error {
  /** What is missing, e.g. `Docker is not installed`. */
  readonly missing: string
  /** What it is needed for, a sentence. */
  readonly why: string
  /** The exact command that fixes it. */
  readonly fix: string

  constructor(parts: { missing: string; why: string; fix: string; cause?: unknown }) {
    super(`${parts.missing}\n  needed: ${parts.why}\n  fix:    ${parts.fix.replaceAll('\n', '\n          ')}`, {
      cause: parts.cause,
    })
    this.name = 'SetupProblem'
    this.missing = parts.missing
    this.why = parts.why
    this.fix = parts.fix
  }
}
