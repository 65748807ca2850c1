-- error: raises lines for the log, and no UTF-8
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	error("one\ntime=now level=error msg=\"two\"\n\27[31m\255", 0)
end)
