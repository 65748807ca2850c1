-- refused: backtracks while it is read: took longer than
-- SPDX-License-Identifier: GPL-2.0-or-later

("a"):rep(30000):find((".-"):rep(20) .. "b")
return {}
