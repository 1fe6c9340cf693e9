import { describe, expect, test } from 'vitest'
import { describeRun } from '../../../src/run/describe.ts'
import { codeSpan, escapeMarkdown } from '../../../src/run/markdown.ts'
import type { RunView } from '../../../src/run/view.ts'
import { clumsy, createEffect, createRunView } from '../cli/fixtures.ts'

const decision: NonNullable<RunView['decision']> = {
  id: 'd1',
  kind: 'confirm',
  digest: 'sha256:abc',
  question: 'Confirm or undo?',
  effects: [],
  step: null,
  recommended: 'undo',
  opened: '2026-11-21T10:00:00.000Z',
  deadline: '2026-11-28T10:00:00.000Z',
  onTimeout: 'undo',
}

describe('the details that an operator reads', () => {
  test('say first what has to be decided, and how', () => {
    const text = describeRun(createRunView({ ...clumsy, id: 'late-3', phase: 'waiting', decision }))
    expect(text.indexOf('### Waiting for a decision')).toBeLessThan(text.indexOf('### Plan'))
    expect(text).toContain('`temporal workflow signal --workflow-id late-3 --name undo`')
    expect(text).toContain('`recourse confirm late-3 --decision d1 --digest sha256:abc`')
    expect(text).toContain('- without an answer by 2026-11-28T10:00:00.000Z: **undo**')
  })

  test('hold nothing of a model or a service that is Markdown', () => {
    const trap = '![x](http://evil.example.com/a.png) **done**\n# All is well'
    const text = describeRun(
      createRunView({
        request: trap,
        answer: trap,
        reason: trap,
        notices: [trap],
        effects: [createEffect({ note: trap })],
      }),
    )
    expect(text.match(/^#+ .*$/gm)?.filter((title) => title.includes('well'))).toEqual([])
    expect(text.replaceAll(/\\./g, '')).not.toMatch(/!\[|\]\(|\*\*done/)
  })

  test('stay small, however much a run did', () => {
    const effects = Array.from({ length: 1000 }, (_, n) => createEffect({ id: `s1.1.${n + 1}` }))
    const text = describeRun(createRunView({ effects }))
    expect(text).toContain('s1.1.1000')
    expect(text).toContain('and 950 earlier ones')
    expect(text.length).toBeLessThan(20_000)
  })
})

test('escapes what would be Markdown', () => {
  expect(escapeMarkdown('a*b_c `d` [e](f) <g> | #h !i \\')).toBe(
    'a\\*b\\_c \\`d\\` \\[e\\](f) \\<g\\> \\| \\#h \\!i \\\\',
  )
  expect([codeSpan('a'), codeSpan('a`b'), codeSpan('``')]).toEqual(['`a`', '`` a`b ``', '``` `` ```'])
})
