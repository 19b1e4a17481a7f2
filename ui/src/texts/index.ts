/** Every text of the screens, in one place: another language is another object of the same shape. */
import { en } from './en';

export const texts: typeof en = en;
