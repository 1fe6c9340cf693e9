import type { Check } from '../../setup/doctor.ts'
import type { Style } from './style.ts'
import { indent } from './text.ts'

const MARKS = { ok: ['green', '✓'], warn: ['yellow', '!'], fail: ['red', '✗'] } as const

/** The checklist of `doctor`. */
export function renderChecks(checks: readonly Check[], style: Style): string {
  return checks
    .map(({ name, status, detail, fix }) => {
      const [colour, mark] = MARKS[status]
      const line = `${style(colour, mark)} ${style('bold', name)}: ${detail}`
      return fix === null ? line : `${line}\n${indent(`fix: ${fix}`)}`
    })
    .join('\n')
}
