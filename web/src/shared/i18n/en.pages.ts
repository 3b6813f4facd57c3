/** Texts of all other pages. */
export const enPages = {};
