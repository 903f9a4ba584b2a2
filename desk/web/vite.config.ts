import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import vue from '@vitejs/plugin-vue'
import { defineConfig, type Plugin } from 'vite'

// The placeholder is part of the repository, so that the server builds before the screens do: emptying the output
// folder spares it.
function sparePlaceholder(): Plugin {
  return {
    name: 'spare-placeholder',
    apply: 'build',
    buildStart() {
      const dist = join(import.meta.dirname, 'dist')
      for (const name of readdirSync(dist)) {
        if (name !== 'placeholder.html') rmSync(join(dist, name), { recursive: true })
      }
    },
  }
}

export default defineConfig({
  base: './',
  plugins: [vue(), sparePlaceholder()],
  define: { __VUE_I18N_FULL_INSTALL__: false, __VUE_I18N_LEGACY_API__: false, __INTLIFY_PROD_DEVTOOLS__: false },
  build: {
    // Hospital desks still run Windows 7, whose last browsers are of this age.
    target: 'chrome87',
    cssTarget: 'chrome87',
    emptyOutDir: false,
    reportCompressedSize: true,
    chunkSizeWarningLimit: 700,
  },
  server: { proxy: { '/v1': process.env.TOCSIN_DESK ?? 'http://127.0.0.1:8080' } },
})
