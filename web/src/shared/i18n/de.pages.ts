import type { enPages } from './en.pages';

export const dePages: typeof enPages = {};
