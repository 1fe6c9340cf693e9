import { describe, expect, it } from 'vitest'
import type { Language } from '../../../src/run/plan.ts'
import { javascriptRules } from '../../../src/vetting/rules/javascript.ts'
import { pythonRules } from '../../../src/vetting/rules/python.ts'
import { CODE_LIMIT, createVetter } from '../../../src/vetting/vet.ts'
import { benignJavascript } from './corpus/benign-javascript.ts'
import { benignPython } from './corpus/benign-python.ts'
import { maliciousJavascript } from './corpus/malicious-javascript.ts'
import { maliciousPython } from './corpus/malicious-python.ts'

const vet = createVetter()

describe.each<[Language, readonly string[]]>([
  ['python', benignPython],
  ['javascript', benignJavascript],
])('ordinary %s', (language, codes) => {
  it.each(codes.map((code) => ({ code })))('passes: $code', async ({ code }) => {
    expect(await vet(code, language)).toEqual({ permission: 'allow', findings: [] })
  })
})

describe.each<[Language, readonly { rule: string; code: string; line?: number }[]]>([
  ['python', maliciousPython],
  ['javascript', maliciousJavascript],
])('hostile %s', (language, entries) => {
  it.each(entries)('$rule: $code', async ({ rule, code, line }) => {
    const { permission, findings } = await vet(code, language)
    expect(permission).not.toBe('allow')
    const finding = findings.find((each) => each.rule === rule)
    expect(finding, `found ${findings.map((each) => each.rule).join(', ')}`).toBeDefined()
    if (line !== undefined) expect(finding?.line).toBe(line)
  })
})

it('has hostile code for every rule of the tables', () => {
  const missing = (rules: readonly { name: string }[], entries: readonly { rule: string }[]) =>
    rules.map((rule) => rule.name).filter((name) => !entries.some((entry) => entry.rule === name))
  expect(missing(pythonRules, maliciousPython)).toEqual([])
  expect(missing(javascriptRules, maliciousJavascript)).toEqual([])
})

describe('the strictest finding', () => {
  it('wins, and comes first', async () => {
    const code = 'import os\nprint(os.environ)\nos.system("id")\n'
    expect(await vet(code, 'python')).toMatchObject({
      permission: 'deny',
      findings: [
        { rule: 'process', permission: 'deny', line: 3 },
        { rule: 'environment', permission: 'ask', line: 2 },
      ],
    })
  })

  it('asks where nothing is denied', async () => {
    expect((await vet('import os\nprint(os.environ)\n', 'python')).permission).toBe('ask')
  })
})

describe('bounds', () => {
  it('denies code that is too long to read', async () => {
    const { findings } = await vet('x = 1\n'.repeat(CODE_LIMIT / 6 + 1), 'python')
    expect(findings).toMatchObject([{ rule: 'size', permission: 'deny', line: 0 }])
  })

  it.each<[string, string, Language]>([
    ['brackets', '('.repeat(20_000) + ')'.repeat(20_000), 'javascript'],
    ['sums', `x = 1${' + 1'.repeat(20_000)}`, 'python'],
    ['quotes', `x('[{"`.repeat(20_000), 'python'],
  ])('denies deeply nested %s without running out of stack', async (_name, code, language) => {
    expect((await vet(code, language)).permission).toBe('deny')
  })

  it('follows names that mean each other in many ways, in bounded time', async () => {
    const lines = ['import os', 'n7 = os']
    for (let a = 0; a < 30; a += 1) for (let b = 0; b < 30; b += 1) lines.push(`n${a} = n${b}`)
    expect((await vet(`${lines.join('\n')}\nn0.system()\n`, 'python')).findings).toContainEqual(
      expect.objectContaining({ rule: 'process', line: 903 }),
    )
  })

  it('follows long chains of calls', async () => {
    expect((await vet(`x${'.get("a")'.repeat(140)}\n`, 'python')).permission).toBe('allow')
    expect((await vet(`x${'.then(() => 1)'.repeat(140)}\n`, 'javascript')).permission).toBe('allow')
  })

  it('denies a chain of names that is written to be lost in', async () => {
    const lines = Array.from({ length: 5_000 }, (_, index) => `n${index} = n${index + 1}`)
    const code = ['import os', ...lines, 'n5000 = os', 'n0.system("id")'].join('\n')
    expect((await vet(code, 'python')).findings).toMatchObject([{ rule: 'entangled', permission: 'deny' }])
  })

  it('reads many at the same time, each for itself', async () => {
    const codes = Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? 'print(1)' : 'eval("1")'))
    const answers = await Promise.all(codes.map((code) => vet(code, 'python')))
    expect(answers.map((answer) => answer.permission)).toEqual(
      codes.map((code) => (code === 'print(1)' ? 'allow' : 'deny')),
    )
  })
})
