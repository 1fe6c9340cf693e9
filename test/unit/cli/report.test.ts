import { describe, expect, it } from 'vitest'
import { renderReport } from '../../../src/cli/render/report.ts'
import { clumsy, createRunView } from './fixtures.ts'

describe('renderReport', () => {
  it('tells the whole story, word for word', () => {
    expect(renderReport(clumsy)).toBe(
      String.raw`# Run run-1

> Tell my team that I will be
> an hour late

- outcome: **attention**. It needs a person: something could not be settled by itself.
- reason: one effect could not be undone
- agent: assistant
- requested by: ana
- started: 2026-11-21T09:00:00.000Z
- settled: 2026-11-21T09:03:00.000Z

## Plan

- **s1** (code, done): Send the message
  - announced: mail: ${'`POST /messages`'}
- **s2** (answer, failed): Say so
  - error: The model gave no answer

## What it did

- **s1.1.1** ${'`PATCH /events/1`'} on calendar
  - **not in the plan**
  - state: undone
  - verdict: exact (undone; read back exactly as it was before)
  - guard: etag
  - changed: ${'`start: "09:00" → "10:00"`'}
- **s1.1.2** ${'`POST /messages`'} on mail
  - announced
  - state: discarded
  - verdict: discarded (it was held and never sent)
- **s1.1.3** ${'`PATCH /events/2`'} on calendar
  - announced
  - state: performed
  - verdict: drifted (not undone: somebody changed it since, so it was left as it is)
  - guard: reread
  - changed: ${'`` title: nothing → "`x`" ``'}
  - note: title is now "Moved"

## Noticed

- PATCH /events/1 on calendar was not in the plan

## Decisions

- d1, confirm: undo by ana (name not proven), 2026-11-21T09:02:00.000Z: not \[asked\](http://x) for

## Undo

Because: ana asked for it, by ana. Worst verdict: drifted.

## What is not undone

- **s1.1.3** ${'`PATCH /events/2`'} on calendar: not undone: somebody changed it since, so it was left as it is (title is now "Moved")`,
    )
  })

  it('is short for a run that did nothing', () => {
    const run = createRunView({ phase: 'completed', answer: 'Herbal\nHandsoap', settled: '2026-11-21T09:00:01.000Z' })
    expect(renderReport(run)).toBe(`# Run run-1

> Tell my team

- outcome: **completed**. It is complete and changed nothing.
- agent: assistant
- started: 2026-11-21T09:00:00.000Z
- settled: 2026-11-21T09:00:01.000Z

## Answer

> Herbal
> Handsoap

## What it did

Nothing was changed.`)
  })
})
