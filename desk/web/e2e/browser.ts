import { existsSync } from 'node:fs'

/** How the machine's own Chromium is started; nothing is downloaded and nothing outside is spoken to. */
export const browser = {
  headless: true,
  launchOptions: {
    executablePath: process.env.TOCSIN_CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((p) => existsSync(p)),
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--autoplay-policy=user-gesture-required'],
  },
}

export const desk = { width: 1366, height: 768 }
export const phone = { width: 390, height: 844 }
