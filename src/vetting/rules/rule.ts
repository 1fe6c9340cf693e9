import type { VetFinding } from '../../run/view.ts'
import type { Argument, Fact } from '../fact.ts'
import { isOutside } from './work-area.ts'

/** One line of the table: what it catches, what that means, and why. Several matchers: any of them. */
export interface Rule {
  readonly name: string
  readonly permission: VetFinding['permission']
  /** A sentence for whoever mends the code, or decides on it. */
  readonly reason: string
  readonly match: readonly Matcher[]
}

export type Matcher = (fact: Fact) => boolean

/** Words separated by white space. */
function toList(text: string): string[] {
  return text.trim().split(/\s+/)
}

/** `os.exec*` is a prefix; anything else is the path itself and all below it. */
function toPathTest(patterns: string): (path: string) => boolean {
  const list = toList(patterns)
  return (path) =>
    list.some((pattern) =>
      pattern.endsWith('*')
        ? path.startsWith(pattern.slice(0, -1))
        : path === pattern || path.startsWith(`${pattern}.`),
    )
}

/** Imports or mentions of any of these paths. */
export function uses(patterns: string): Matcher {
  const test = toPathTest(patterns)
  return (fact) => (fact.kind === 'import' || fact.kind === 'use') && test(fact.path)
}

/** Mentions of anything in `module` but these members; importing the module itself is none. */
export function usesOther(module: string, harmless: string): Matcher {
  const list = new Set(toList(harmless))
  return (fact) => {
    if (fact.kind !== 'import' && fact.kind !== 'use') return false
    if (fact.path === module) return fact.kind === 'use'
    return fact.path.startsWith(`${module}.`) && !list.has(fact.path.slice(module.length + 1).split('.')[0] ?? '')
  }
}

/** These modules or objects as values (passed on, stored, compared): what is done with them can not be followed. */
export function passes(paths: string): Matcher {
  const list = new Set(toList(paths))
  return (fact) => fact.kind === 'use' && list.has(fact.path)
}

export function calls(
  patterns: string,
  test: (args: readonly Argument[], named: Readonly<Record<string, Argument>>) => boolean,
): Matcher {
  const testPath = toPathTest(patterns)
  return (fact) => fact.kind === 'call' && testPath(fact.path) && test(fact.args, fact.named)
}

export function assigns(patterns: string): Matcher {
  const test = toPathTest(patterns)
  return (fact) => fact.kind === 'assign' && test(fact.path)
}

/** Attributes or properties of any object. */
export function members(names: string): Matcher {
  const list = new Set(toList(names))
  return (fact) => fact.kind === 'member' && !fact.plain && list.has(fact.name)
}

/** The same, keys of object literals included. */
export function keys(names: string): Matcher {
  const list = new Set(toList(names))
  return (fact) => fact.kind === 'member' && list.has(fact.name)
}

/** Names computed at run time and looked up on one of these, not on what is below them. */
export function computedOn(paths: string): Matcher {
  const list = new Set(toList(paths))
  return (fact) => fact.kind === 'computed' && list.has(fact.of)
}

/** Constant texts. */
export function texts(pattern: RegExp): Matcher {
  return (fact) => fact.kind === 'text' && pattern.test(fact.value)
}

/** Calls of these with a constant path outside the work area as the first argument, or as any of `places` (from 0). */
export function leavesWorkArea(patterns: string, places: readonly number[] = [0]): Matcher {
  return calls(patterns, (args, named) =>
    [...places.map((place) => args[place]), named['file'], named['path']].some(
      (arg) => arg?.constant && isOutside(arg.constant),
    ),
  )
}
