import { describe, expect, test } from 'vitest'
import { createDemultiplexer } from '../../../src/sandbox/docker/attach-stream.ts'
import type { Frame } from '../../../src/sandbox/docker/frames.ts'
import { createFrameReader, MAX_FRAME_BYTES, toBytes, toResultText } from '../../../src/sandbox/docker/frames.ts'
import { createTail } from '../../../src/sandbox/docker/tail.ts'

const read = (...pieces: (string | Uint8Array)[]): { frames: Frame[]; broken: number } => {
  const frames: Frame[] = []
  let broken = 0
  const reader = createFrameReader({ onFrame: (frame) => frames.push(frame), onBroken: () => (broken += 1) })
  for (const piece of pieces) reader.push(Buffer.from(piece))
  return { frames, broken }
}

describe('frames', () => {
  const line = '{"t":"out","d":"aGk="}\n'

  test('are found wherever the pieces are cut', () => {
    const bytes = Buffer.from(`{"t":"begun"}\n${line}{"t":"exit","code":3,"oom":false}\n`)
    for (let at = 0; at <= bytes.length; at += 1) {
      const { frames, broken } = read(bytes.subarray(0, at), bytes.subarray(at))
      expect(frames.map((frame) => frame.t)).toEqual(['begun', 'out', 'exit'])
      expect(broken).toBe(0)
    }
  })

  test.each([
    ['no JSON', 'hello\n'],
    ['half JSON', '{"t":"out"\n'],
    ['an empty line', '\n'],
    ['another kind', '{"t":"eval","d":"x"}\n'],
    ['an extra field', '{"t":"ready","also":1}\n'],
    ['a wrong type', '{"t":"out","d":1}\n'],
    ['a code that is no integer', '{"t":"exit","code":"0","oom":false}\n'],
    ['a prototype', '{"__proto__":{"t":"ready"}}\n'],
    ['an array', '[{"t":"ready"}]\n'],
    ['null', 'null\n'],
    ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe, 0x0a])],
    ['deep nesting', `${'['.repeat(100_000)}\n`],
  ])('%s is dropped and the next one still read', (_what, piece) => {
    expect(read(piece, line)).toEqual({ frames: [{ t: 'out', d: 'aGk=' }], broken: 1 })
  })

  test('a line beyond the cap is dropped once, however long it goes on', () => {
    const piece = Buffer.alloc(64 * 1024, 0x61)
    const pieces = Array.from({ length: 3 * Math.ceil(MAX_FRAME_BYTES / piece.length) }, () => piece)
    expect(read(...pieces, '\n', line)).toEqual({ frames: [{ t: 'out', d: 'aGk=' }], broken: 1 })
  })

  test('the largest line allowed is a frame', () => {
    const frame = { t: 'result', d: 'a'.repeat(MAX_FRAME_BYTES - '{"t":"result","d":""}'.length) }
    expect(read(`${JSON.stringify(frame)}\n`)).toEqual({ frames: [frame], broken: 0 })
    expect(read(`${JSON.stringify({ ...frame, d: `${frame.d}a` })}\n`)).toEqual({ frames: [], broken: 1 })
  })

  test('the caller may reuse its buffer', () => {
    const shared = Buffer.from(line)
    const frames: Frame[] = []
    const reader = createFrameReader({
      onFrame: (frame) => frames.push(frame),
      onBroken: () => frames.push({ t: 'ready' }),
    })
    reader.push(shared.subarray(0, 10))
    const rest = Buffer.from(shared.subarray(10))
    shared.fill(0x7a)
    reader.push(rest)
    expect(frames).toEqual([{ t: 'out', d: 'aGk=' }])
  })

  test('payloads are decoded, and a result must be UTF-8', () => {
    expect(toBytes({ d: 'aGk=' })).toEqual(Buffer.from('hi'))
    expect(toBytes({ d: '!!' })).toHaveLength(0)
    expect(toResultText({ d: Buffer.from('{"ü":1}').toString('base64') })).toBe('{"ü":1}')
    expect(toResultText({ d: '//4=' })).toBeNull()
  })
})

describe('the attach stream', () => {
  const packet = (type: number, text: string): Buffer => {
    const head = Buffer.from([type, 0, 0, 0, 0, 0, 0, 0])
    head.writeUInt32BE(Buffer.byteLength(text), 4)
    return Buffer.concat([head, Buffer.from(text)])
  }

  test('is taken apart wherever it is cut', () => {
    const bytes = Buffer.concat([packet(1, 'one'), packet(2, 'two'), packet(1, ''), packet(1, 'three')])
    for (let at = 0; at <= bytes.length; at += 1) {
      const seen = { stdout: '', stderr: '' }
      const push = createDemultiplexer((source, part) => (seen[source] += Buffer.from(part).toString()))
      push(bytes.subarray(0, at))
      push(bytes.subarray(at))
      expect(seen).toEqual({ stdout: 'onethree', stderr: 'two' })
    }
  })
})

describe('the tail', () => {
  test.each([1, 7, 100, 1000])('keeps the last bytes of pieces of %i', (size) => {
    const tail = createTail(100)
    const all = Buffer.from(Array.from({ length: 10_000 }, (_, n) => n % 256))
    for (let at = 0; at < all.length; at += size) tail.push(all.subarray(at, at + size))
    expect(tail.truncated).toBe(true)
    expect(Buffer.from(tail.bytes())).toEqual(all.subarray(-100))
  })

  test('says that nothing was dropped exactly when nothing was', () => {
    const tail = createTail(4)
    tail.push(Buffer.from('abcd'))
    expect([tail.truncated, Buffer.from(tail.bytes()).toString()]).toEqual([false, 'abcd'])
    tail.push(Buffer.from('e'))
    expect([tail.truncated, Buffer.from(tail.bytes()).toString()]).toEqual([true, 'bcde'])
    expect(tail.truncated).toBe(true)
  })
})
