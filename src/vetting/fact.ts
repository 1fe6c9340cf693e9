/**
 * What vetted code says, freed from syntax, so that one table of rules can speak of it. Paths are dotted and canonical:
 * `os.system` whatever alias, `getattr` or import form led there.
 */

/** A text known from the code alone. Not `whole`: only how it starts is known (`'/etc/' + name`). */
export interface Constant {
  readonly text: string
  readonly whole: boolean
}

export interface Argument {
  /** Paths the argument may stand for. */
  readonly paths: readonly string[]
  readonly constant: Constant | null
  /** True for a number literal. */
  readonly number: boolean
}

export type Fact =
  /** `os`, or `os.system` for `from os import system`; `os.*` for everything at once. */
  | { readonly kind: 'import'; readonly path: string; readonly line: number }
  /** A path mentioned in an expression, called or not. */
  | { readonly kind: 'use'; readonly path: string; readonly line: number }
  | {
      readonly kind: 'call'
      readonly path: string
      readonly args: readonly Argument[]
      readonly named: Readonly<Record<string, Argument>>
      readonly line: number
    }
  /** A path written to. */
  | { readonly kind: 'assign'; readonly path: string; readonly line: number }
  /** An attribute or property of anything, known or not. `plain`: a key of a literal, only read for its name, compared. */
  | { readonly kind: 'member'; readonly name: string; readonly plain: boolean; readonly line: number }
  /** A name computed at run time, looked up on `of` (`import`: a module). */
  | { readonly kind: 'computed'; readonly of: string; readonly prefix: string; readonly line: number }
  /** A constant text, after joining what the code joins. */
  | { readonly kind: 'text'; readonly value: string; readonly line: number }
  /** A loop that never ends and does nothing. */
  | { readonly kind: 'spin'; readonly line: number }

/** Longest text that is put together; beyond it a text counts as unknown. */
const CONSTANT_LIMIT = 16_000

export function toConstant(text: string, whole: boolean): Constant | null {
  return text.length > CONSTANT_LIMIT ? null : { text, whole }
}

/** Text of `parts` in sequence; ends being whole at the first part that is not known. */
export function joinConstants(parts: readonly (Constant | null)[], separator = ''): Constant | null {
  let text = ''
  for (const [index, part] of parts.entries()) {
    if (part === null) return index === 0 ? null : toConstant(text, false)
    text += (index === 0 ? '' : separator) + part.text
    if (!part.whole) return toConstant(text, false)
  }
  return toConstant(text, true)
}
