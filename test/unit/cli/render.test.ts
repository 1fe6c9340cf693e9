import { describe, expect, it } from 'vitest'
import { renderDiff } from '../../../src/cli/render/diff.ts'
import { notUndone } from '../../../src/cli/render/effect.ts'
import { renderOutcome, renderRun } from '../../../src/cli/render/run.ts'
import { renderRuns } from '../../../src/cli/render/runs.ts'
import { createStyle, unstyled } from '../../../src/cli/render/style.ts'
import { oneLine, plain } from '../../../src/cli/render/text.ts'
import type { RunView } from '../../../src/run/view.ts'
import { clumsy, createEffect, createRunView } from './fixtures.ts'

const decision: NonNullable<RunView['decision']> = {
  id: 'd1',
  kind: 'confirm',
  digest: 'sha256:1',
  question: 'Keep what it did?',
  effects: ['s1.1.1'],
  step: null,
  recommended: 'undo',
  opened: '2026-11-21T09:01:00.000Z',
  deadline: '2026-11-28T09:01:00.000Z',
  onTimeout: 'undo',
}

describe('renderOutcome', () => {
  it('shows what would be confirmed, and the exact commands that decide', () => {
    const run = createRunView({
      phase: 'waiting',
      effects: [createEffect({ announced: false })],
      findings: clumsy.findings,
      decision,
    })
    expect(renderOutcome(run, unstyled)).toBe(`run-1  waiting
effects
  s1.1.1  performed  PATCH /events/1 on calendar  not in the plan
    start: "09:00" → "10:00"
noticed
  ! PATCH /events/1 on calendar was not in the plan
waiting for a decision (d1)
  Keep what it did?
  recommended: undo
  until 2026-11-28T09:01:00.000Z, then: undo

  recourse confirm run-1 --decision d1 --digest sha256:1
  recourse undo run-1`)
  })

  it('offers approve and reject where it asks before', () => {
    const text = renderOutcome(
      createRunView({ decision: { ...decision, kind: 'approve', recommended: null } }),
      unstyled,
    )
    expect(text).toContain('recourse approve run-1 --decision d1 --digest sha256:1')
    expect(text).toContain('recourse reject run-1 --decision d1 --digest sha256:1')
    expect(text).not.toContain('recommended')
  })

  it('says until when a confirmed run can be undone', () => {
    const run = createRunView({ phase: 'confirmed', windowEnds: '2026-12-21T09:00:00.000Z' })
    expect(renderOutcome(run, unstyled)).toContain('can be undone until 2026-12-21T09:00:00.000Z: recourse undo run-1')
  })

  it('names what an undo left behind', () => {
    expect(renderOutcome(clumsy, unstyled)).toContain(`still there
  s1.1.3  PATCH /events/2 on calendar: not undone: somebody changed it since, so it was left as it is (title is now "Moved")`)
  })

  it('lets nothing that a model or a service wrote reach the terminal as a command', () => {
    const evil = '\u001b[2Jgone\u0007\u202e'
    const run = createRunView({
      request: evil,
      answer: evil,
      reason: evil,
      effects: [
        createEffect({
          request: { target: `/${evil}` },
          diff: [{ path: evil, before: evil, after: evil }],
          note: evil,
        }),
      ],
      findings: [{ kind: 'denied', step: 's1', effect: null, message: evil }],
    })
    // eslint-disable-next-line no-control-regex
    const dangerous = /[\u001b\u0007\u202e]/
    expect(renderRun(run, unstyled)).not.toMatch(dangerous)
    expect(renderDiff(run, unstyled)).not.toMatch(dangerous)
    expect(renderRun(run, unstyled)).toContain(String.raw`\u001b[2Jgone\u0007\u202e`)
  })

  it('has colour only where it is wanted', () => {
    expect(renderRun(clumsy, unstyled)).not.toContain('\u001b')
    expect(renderRun(clumsy, createStyle(true))).toContain('\u001b[')
  })
})

describe('notUndone', () => {
  it.each<[string, Parameters<typeof createEffect>[0], string[]]>([
    ['undone exactly', { state: 'undone', verdict: 'exact' }, []],
    ['never sent', { state: 'discarded', verdict: 'discarded' }, []],
    ['refused', { state: 'refused' }, []],
    ['not yet reached', { state: 'performed' }, ['not undone']],
    ['outcome unknown', { state: 'unknown' }, ['nobody knows whether it was sent']],
    [
      'not read back',
      { state: 'undone', verdict: 'unverified' },
      ['an undo was sent, and what came of it could not be read back'],
    ],
    ['irreversible', { state: 'performed', verdict: 'irreversible' }, ['not undone: nothing can undo it']],
  ])('%s', (_what, effect, whys) => {
    const undo = { reason: 'x', actor: null, verdict: null, failures: [] }
    expect(notUndone(createRunView({ undo, effects: [createEffect(effect)] })).map(({ why }) => why)).toEqual(whys)
  })

  it('says nothing of a run that nobody undid', () => {
    expect(notUndone(createRunView({ effects: [createEffect()] }))).toEqual([])
  })
})

describe('renderRuns', () => {
  const run = {
    id: 'run-1',
    agent: 'assistant',
    request: 'Tell my team\nnow',
    phase: 'waiting' as const,
    needsDecision: true,
    undoVerdict: null,
    started: '2026-11-21T09:00:00.123Z',
    closed: null,
  }

  it('is a table', () => {
    expect(
      renderRuns([run, { ...run, id: 'r', phase: 'completed', needsDecision: false }], { filtered: false }, unstyled),
    ).toBe(
      `ID     PHASE      AGENT      STARTED               REQUEST
run-1  waiting *  assistant  2026-11-21T09:00:00Z  Tell my team now
r      completed  assistant  2026-11-21T09:00:00Z  Tell my team now

* waits for a decision: recourse show <id>`,
    )
  })

  it('says what to do where there is nothing', () => {
    expect(renderRuns([], { filtered: false }, unstyled)).toBe('no runs yet: recourse run "<request>"')
    expect(renderRuns([], { filtered: true }, unstyled)).toBe('no such runs; see all with: recourse runs')
  })
})

describe('renderDiff', () => {
  it('shows each field, and says why there is none', () => {
    const run = createRunView({
      effects: [createEffect(), createEffect({ id: 's1.1.2', state: 'held', diff: [] })],
    })
    expect(renderDiff(run, unstyled)).toBe(`s1.1.1  PATCH /events/1 on calendar  (performed)
- start: "09:00"
+ start: "10:00"
s1.1.2  PATCH /events/1 on calendar  (held)
  held: nothing was sent yet`)
    expect(renderDiff(createRunView(), unstyled)).toBe('run run-1 has no effects')
  })
})

describe('text', () => {
  it('keeps lines, and cuts to a width', () => {
    expect(plain('a\r\nb\tc')).toBe('a\nb\tc')
    expect(oneLine('  a\n b\tc ')).toBe('a b c')
    expect(oneLine('abcdef', 4)).toBe('abc…')
  })
})
