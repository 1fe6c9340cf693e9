import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const CLIENT = fileURLToPath(new URL('../../../src/client/index.ts', import.meta.url))
const SRC = new URL('../../../src/', import.meta.url).href
const ALLOWED = ['@temporalio/client', '@temporalio/common']

it('a backend that imports the client loads no native module, and none of the heavy parts', async () => {
  // In a Node of its own: what is loaded is then what the client loads. Native modules come in through dlopen only.
  const script = `
    import { registerHooks } from 'node:module'
    const direct = new Set()
    registerHooks({ resolve(specifier, context, next) {
      const result = next(specifier, context)
      if (context.parentURL?.startsWith(${JSON.stringify(SRC)}) && !/^[./]|^node:|^file:/.test(specifier)) direct.add(specifier)
      return result
    } })
    const native = []
    process.dlopen = (_module, file) => { native.push(file); throw new Error('native: ' + file) }
    const { createClient } = await import(${JSON.stringify(CLIENT)})
    const client = createClient()
    client.run('x')
    await client.close()
    console.log(JSON.stringify({ native, direct: [...direct] }))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
  const { native, direct } = JSON.parse(stdout) as { native: string[]; direct: string[] }
  expect(native).toEqual([])
  // `run/` brings schemas and digests, which are plain JavaScript.
  const pure = ['zod', '@noble/hashes/sha2.js', '@noble/hashes/utils.js']
  expect(direct.filter((name) => !ALLOWED.includes(name) && !pure.includes(name))).toEqual([])
  expect(direct).toContain('@temporalio/client')
})
