-- refused: loops while it is read: took more than
-- SPDX-License-Identifier: GPL-2.0-or-later

while true do end
