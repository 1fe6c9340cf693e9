import { expect, it } from 'vitest'
import { toMilliseconds } from '../../../src/config/durations.ts'

it.each<[unknown, number | undefined]>([
  ['500ms', 500],
  ['90s', 90_000],
  ['1.5h', 5_400_000],
  ['7d', 604_800_000],
  [0, 0],
  [1.4, 1],
  ['0s', 0],
  ['90', undefined],
  ['90 s', undefined],
  ['-1s', undefined],
  ['1w', undefined],
  ['s', undefined],
  ['', undefined],
  [-1, undefined],
  [Infinity, undefined],
  [NaN, undefined],
  ['40000d', undefined],
  [null, undefined],
  [{}, undefined],
])('%j is %s ms', (text, ms) => expect(toMilliseconds(text)).toBe(ms))
