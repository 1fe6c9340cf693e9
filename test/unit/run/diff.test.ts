import { expect, it } from 'vitest'
import { changedPaths, diffJson } from '../../../src/run/diff.ts'
import { parseJson } from '../../../src/run/json.ts'

const diff = (before: string | null, after: string | null, volatile: string[] = []) =>
  diffJson(before === null ? undefined : parseJson(before), after === null ? undefined : parseJson(after), volatile)

it('names fields by their path and shows both values', () => {
  expect(diff('{"a":{"b":1,"c":2},"d":3}', '{"a":{"b":9,"c":2},"e":null}')).toEqual([
    { path: 'a.b', before: '1', after: '9' },
    { path: 'd', before: '3', after: null },
    { path: 'e', before: null, after: 'null' },
  ])
})

it('lists the fields of what appeared or vanished', () => {
  expect(diff(null, '{"a":{"b":1}}')).toEqual([{ path: 'a', before: null, after: '{"b":1}' }])
  expect(diff('{"a":1}', null)).toEqual([{ path: 'a', before: '1', after: null }])
  expect(diff(null, '{}')).toEqual([{ path: '', before: null, after: '{}' }])
  expect(diff('[1]', '{"a":1}')).toEqual([{ path: '', before: '[1]', after: '{"a":1}' }])
})

it('leaves volatile fields out, in items of lists too', () => {
  expect(diff('{"at":1,"a":{"at":1,"b":1}}', '{"at":2,"a":{"at":2,"b":1}}', ['at'])).toEqual([
    { path: 'a.at', before: '1', after: '2' },
  ])
  expect(diff('{"a":[{"at":1}]}', '{"a":[{"at":2}]}', ['a.at'])).toEqual([])
})

it('goes into lists of as many objects for people, and never for an undo', () => {
  const [before, after] = ['{"a":[{"q":1},{"q":2}],"b":[1,2]}', '{"a":[{"q":1},{"q":3}],"b":[1,3]}']
  expect(diff(before, after).map(({ path }) => path)).toEqual(['a.1.q', 'b'])
  expect(changedPaths(parseJson(before), parseJson(after), [])).toEqual(['a', 'b'])
})

it('shortens long values', () => {
  const [change] = diff('{}', `{"a":"${'x'.repeat(500)}"}`)
  expect(change?.after).toHaveLength(200)
})
