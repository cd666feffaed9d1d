import { promises as fs } from 'node:fs'
import path from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

/** Files smaller than this are not worth a second form. */
const WORTH = 1024

/** Writes each text file of the build once more as `.br` and `.gz`, so that the server packs nothing while it answers. */
export function compress(): Plugin {
  return {
    name: 'hcndc-compress',
    apply: 'build',
    async writeBundle(options) {
      const root = options.dir ?? 'dist'
      for (const name of await fs.readdir(root, { recursive: true })) {
        if (!/\.(js|css|html|svg)$/.test(name)) continue
        const file = path.join(root, name)
        const text = await fs.readFile(file)
        if (text.length < WORTH) continue
        const params = { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: text.length }
        await fs.writeFile(`${file}.br`, brotliCompressSync(text, { params }))
        await fs.writeFile(`${file}.gz`, gzipSync(text, { level: 9 }))
      }
    },
  }
}
