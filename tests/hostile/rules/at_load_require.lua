-- refused: asks for a module from elsewhere: is no name of a module
-- SPDX-License-Identifier: GPL-2.0-or-later

return require("../../../etc/passwd")
