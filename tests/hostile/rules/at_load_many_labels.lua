-- refused: has more labels than there may be: label
-- SPDX-License-Identifier: GPL-2.0-or-later

return { labels = { "l1", "l2", "l3", "l4", "l5", "l6", "l7", "l8", "l9" } }
