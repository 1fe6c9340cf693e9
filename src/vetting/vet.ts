import type { Language } from '../run/plan.ts'
import type { VetFinding } from '../run/view.ts'
import type { Fact } from './fact.ts'
import { TooEntangled } from './names.ts'
import { readJavascript } from './read-javascript.ts'
import { readPython } from './read-python.ts'
import { javascriptRules } from './rules/javascript.ts'
import { pythonRules } from './rules/python.ts'
import type { Rule } from './rules/rule.ts'
import { findInSource, isOpaque } from './rules/source.ts'
import { loadParser, type Parse, type SyntaxNode } from './syntax.ts'
import { findMisreading } from './misreading.ts'

/**
 * Vetting: reads code before it runs and says what it may do. It is a check, not the wall: the sandbox is the wall, and
 * holds whatever slips through here. What this is for is to tell the model early, and to tell a person what to look at.
 * Stages: bound the size, parse (in WebAssembly, nothing is evaluated), turn the tree into facts, hold the facts against
 * the table of rules.
 */

export interface Vetting {
  /** The strictest of the findings; `allow` where there are none. */
  readonly permission: VetFinding['permission']
  readonly findings: VetFinding[]
}

export type Vetter = (code: string, language: Language) => Promise<Vetting>

/** Characters. */
export const CODE_LIMIT = 256_000
const FINDINGS_LIMIT = 50

interface Dialect {
  readonly read: (root: SyntaxNode) => Fact[]
  readonly rules: readonly Rule[]
}

const OPAQUE: Rule = {
  name: 'opaque-text',
  permission: 'ask',
  reason: 'holds a long text that nobody can read',
  match: [isOpaque],
}

const DIALECTS: Readonly<Record<Language, Dialect>> = {
  python: { read: readPython, rules: [...pythonRules, OPAQUE] },
  javascript: { read: readJavascript, rules: [...javascriptRules, OPAQUE] },
}

/** A vetter that loads each grammar once, when it is first needed. */
export function createVetter(): Vetter {
  const parsers = new Map<Language, Promise<Parse>>()
  return async (code, language) => {
    let parser = parsers.get(language)
    if (!parser) {
      parser = loadParser(language)
      parsers.set(language, parser)
    }
    return vet(await parser, code, language)
  }
}

function vet(parse: Parse, code: string, language: Language): Vetting {
  const deny = (rule: string, line: number, reason: string): Vetting =>
    conclude([{ rule, permission: 'deny', line, reason }])
  if (code.length > CODE_LIMIT) {
    return deny('size', 0, `the code has ${code.length} characters; more than ${CODE_LIMIT} are not vetted`)
  }
  // Both languages end a line, and with it a comment, at more characters than their grammars do.
  const source = code.replaceAll(/\r\n?/g, '\n').replaceAll(/[\u2028\u2029]/g, '\n')
  const syntax = parse(source)
  if (syntax.kind === 'unparsable') return deny('syntax', syntax.line, syntax.reason)
  const misreading = findMisreading(syntax.root, language)
  if (misreading) return deny('syntax', misreading.line, misreading.reason)
  const findings = findInSource(source)
  const dialect = DIALECTS[language]
  let facts: Fact[]
  try {
    facts = dialect.read(syntax.root)
  } catch (error) {
    if (error instanceof TooEntangled)
      return deny('entangled', 0, 'the code gives its names too many meanings to follow')
    throw error
  }
  for (const fact of facts) {
    for (const rule of dialect.rules) {
      if (!rule.match.some((matches) => matches(fact))) continue
      findings.push({ rule: rule.name, permission: rule.permission, line: fact.line, reason: rule.reason })
    }
  }
  return conclude(findings)
}

const LADDER: readonly VetFinding['permission'][] = ['allow', 'ask', 'deny']

/** Strictest first, then by line; each rule once a line. */
function conclude(all: readonly VetFinding[]): Vetting {
  const unique = [...new Map(all.map((finding) => [`${finding.rule}:${finding.line}`, finding])).values()]
  const rank = (finding: VetFinding) => LADDER.indexOf(finding.permission)
  const findings = unique.sort((a, b) => rank(b) - rank(a) || a.line - b.line).slice(0, FINDINGS_LIMIT)
  return { permission: findings[0]?.permission ?? 'allow', findings }
}
