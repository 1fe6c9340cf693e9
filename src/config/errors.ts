/** A config that cannot be used. `problems` holds all that is wrong with it, one line each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(summary: string, problems: readonly string[] = [], options?: { cause?: unknown }) {
    super([summary, ...problems.map((problem) => `  ${problem}`)].join('\n'), options)
    this.problems = problems
  }
}
