-- refused: names a label as the daemon does: src
-- SPDX-License-Identifier: GPL-2.0-or-later

return { labels = { "src" } }
