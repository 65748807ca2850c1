-- refused: names a label as another rule does: src_zone
-- SPDX-License-Identifier: GPL-2.0-or-later

return { labels = { "src_zone" } }
