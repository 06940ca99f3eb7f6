import type { ComponentChildren } from 'preact'

const Icon = ({ children, size = 16 }: { children: ComponentChildren; size?: number }) => (
  <svg
    class="icon"
    width={size}
    height={size}
    viewBox="0 0 16 16"
    fill="none"
    stroke="currentColor"
    stroke-width="1.6"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
  >
    {children}
  </svg>
)

export const Mark = () => (
  <svg class="mark" width="22" height="22" viewBox="0 0 32 32" fill="none" aria-hidden="true">
    <rect width="32" height="32" rx="8" fill="currentColor" />
    <path
      d="M5 16h6l4-8 4 16 3-8h5"
      stroke="var(--surface)"
      stroke-width="2.5"
      stroke-linecap="round"
      stroke-linejoin="round"
    />
  </svg>
)
export const SearchIcon = () => (
  <Icon>
    <circle cx="7" cy="7" r="4.5" />
    <path d="m10.5 10.5 3.5 3.5" />
  </Icon>
)
export const CrossIcon = () => (
  <Icon size={14}>
    <path d="m4 4 8 8m0-8-8 8" />
  </Icon>
)
export const CheckIcon = () => (
  <Icon size={14}>
    <path d="m3 8.5 3.5 3.5L13 4.5" />
  </Icon>
)
export const WarningIcon = () => (
  <Icon>
    <path d="M8 2 1.5 13.5h13L8 2Zm0 4.5v3m0 2v.01" />
  </Icon>
)
export const OutIcon = () => (
  <Icon size={12}>
    <path d="M6 3H3v10h10v-3M9 3h4v4m0-4L7 9" />
  </Icon>
)
